"""Finds a voice by the name that a request gives. Pure; adapters that speak share it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from tasks.errors import UnknownVoice


def named(voices: Mapping[str, object], wanted: str, model: str) -> str:
    """The voice's name for `wanted`, ignoring case; raises `UnknownVoice` with the model's similar ones."""
    if wanted in voices:
        return wanted
    in_lower_case = {name.lower(): name for name in voices}
    if wanted.lower() in in_lower_case:
        return in_lower_case[wanted.lower()]
    near = difflib.get_close_matches(wanted.lower(), in_lower_case, n=3)
    shown = [in_lower_case[name] for name in near] or list(voices)[:5]
    more = f" ({len(voices)} in all)" if len(shown) < len(voices) else ""
    raise UnknownVoice(f"voice: {model} has no voice {wanted!r}; it has {', '.join(shown)}{more}")
