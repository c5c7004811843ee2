"""Voices: checks whether a model has a voice, and finds the voice of a language. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput, UnknownVoice
from tasks.messages.variants import variant_missing, words_for_unknown

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published

TERM = re.compile(r"\s*([^()+,\s]+)\s*(?:\([0-9.\s]+\))?\s*")
"""A voice of a blend, with its weight or without."""


def check_voice(entry: ModelEntry | None, offer: Published | None, voice: str | None) -> None:
    """Raise `UnknownVoice`, with similar names, for a voice that the model does not have.

    Raises `InvalidInput` for no voice, if each voice is a model of its own. Accepts what is not known here, and a blend
    of voices that the model has: whether it can blend them is for its adapter to say.
    """
    if voice is None:
        if offer is not None and offer.is_registry and offer.default_voice is None:
            raise voice_missing(offer.model)
        if entry is not None and entry.is_registry and entry.voice is None:
            raise voice_missing(entry.name)
        return
    if offer is None or not offer.voices:
        return
    known = {name.lower() for name in offer.voices}
    if voice.lower() in known:
        return
    names = () if offer.is_registry else blended(voice)
    unknown = next((name for name in names or [voice] if name.lower() not in known), None)
    if unknown is not None:
        raise UnknownVoice(voice_error(offer.model, unknown, offer.voices))


def blended(voice: str) -> tuple[str, ...]:
    """The voices that a blend such as «anna(2)+bert(1)» or «anna,bert» names; none if it is not of this form."""
    terms = [TERM.fullmatch(part) for part in re.split(r"[+,]", voice)]
    return tuple(term[1] for term in terms if term) if all(terms) else ()


def voice_missing(model: str) -> InvalidInput:
    """The error for a request without a voice, if each voice is a model of its own and there is no default."""
    return variant_missing("voice", model)


def voice_error(model: str, voice: str, voices: Mapping[str, str]) -> str:
    """The error message for an unknown voice."""
    return words_for_unknown("voice", model, voice, voices)


def voice_for_language(offer: Published | None, language: str | None) -> str | None:
    """The offered voice for a language (`vi`, `en-GB`): with the same tag, else with the same language, else None."""
    if offer is None or not language:
        return None
    wanted, base = language.lower(), language.lower().split("-")[0]
    speakers = sorted(offer.voices.items(), key=lambda voice: (len(voice[0]), voice[0]))
    exact = [name for name, tag in speakers if tag.lower() == wanted]
    fit = exact or [name for name, tag in speakers if tag.lower().split("-")[0] == base]
    if offer.default_voice in fit:
        return offer.default_voice
    return fit[0] if fit else None
