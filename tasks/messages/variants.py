"""The word by which messages and slots name a registry's model: a slot that holds it is preferred. Pure.

A message says in its header `HEADER` which model it needs; a plain Celery client may leave it out, and then any slot
takes the message. The word is safe inside keys and JSON as it is, whatever name the model has. The same rule stands in
`tasks/flow/ledger/lua/_head.lua` (`as_word`), for parts that name their models themselves.
"""

from __future__ import annotations

import hashlib
import string
from typing import TYPE_CHECKING

from tasks.messages.base import PartRequest

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.messages.base import ModelRequest
    from tasks.offers import Published

HEADER = "slotline_variant"

LONGEST_WORD = 120

_PLAIN = frozenset((string.ascii_letters + string.digits + "._-").encode())


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
