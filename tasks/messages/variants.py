"""A registry's models by name: which there are, and the word by which messages and slots name one. Pure.

A slot that holds the model of a message is preferred. A message says in its header `HEADER` which model it needs; a
plain Celery client may leave it out, and then any slot takes the message. The word is safe inside keys and JSON as it
is, whatever name the model has. The same rule stands in `tasks/flow/ledger/lua/_head.lua` (`as_word`), for parts that
name their models themselves.
"""

from __future__ import annotations

import difflib
import hashlib
import string
from collections.abc import Collection
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput, UnknownFace, UnknownVoice
from tasks.messages.base import PartRequest

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.messages.base import ModelRequest
    from tasks.offers import Published

HEADER = "slotline_variant"

LONGEST_WORD = 120

_PLAIN = frozenset((string.ascii_letters + string.digits + "._-").encode())


UNKNOWN: dict[str, type[InvalidInput]] = {"voice": UnknownVoice, "face": UnknownFace}
"""The error for a name that a model does not have, by the request's field that names it; else `InvalidInput`."""


def check_variant(field: str, entry: ModelEntry | None, offer: Published | None, variant: str | None) -> None:
    """Refuse a name that a registry does not have, and no name where it has no default.

    `field` is the request's field that names it. Accepts what is not known here, and every name of another model.
    """
    if offer is not None and not offer.is_registry:
        return
    if variant is None:
        if offer is not None and offer.default_voice is None:
            raise variant_missing(field, offer.model)
        if offer is None and entry is not None and entry.is_registry and entry.voice is None:
            raise variant_missing(field, entry.name)
    elif offer is not None and offer.voices and variant not in offer.voices:
        raise unknown_variant(field, offer.model, variant, offer.voices)


def variant_missing(field: str, model: str) -> InvalidInput:
    """The error for a request that names none, if each is a model of its own and there is no default."""
    return InvalidInput(f"{field}: missing; {model!r} has a model for each {field}, and no default {field}")


def unknown_variant(field: str, model: str, name: str, names: Collection[str]) -> InvalidInput:
    """The error for a name that a model does not have, with those that are like it."""
    return UNKNOWN.get(field, InvalidInput)(words_for_unknown(field, model, name, names))


def words_for_unknown(field: str, model: str, name: str, names: Collection[str]) -> str:
    """What the error for an unknown name says."""
    if not names:
        return f"{field}: {model} has no {field} {name!r}; there is none"
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5) or sorted(names)[:5]
    more = " …" if len(names) > len(near) else ""
    return f"{field}: {model} has no {field} {name!r}; it has {', '.join(near)}{more}"


def word_of(variant: str) -> str:
    """A model's name without quotes, spaces or control characters; of a long one the beginning and a digest."""
    raw = variant.encode("utf-8", "surrogatepass")
    word = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)
    if len(word) <= LONGEST_WORD:
        return word
    return f"{word[: LONGEST_WORD // 2]}-{hashlib.sha1(raw, usedforsecurity=False).hexdigest()}"


def headers_of(request: ModelRequest, entry: ModelEntry | None, offer: Published | None) -> dict[str, str]:
    """The header of a request for one input, if its model is known to be a registry, and it names one of its models."""
    is_registry = (entry is not None and entry.is_registry) or (offer is not None and offer.is_registry)
    field = request.variant_field if isinstance(request, PartRequest) else ""
    variant = getattr(request, field) if field else None
    return {HEADER: word_of(variant)} if is_registry and variant else {}
