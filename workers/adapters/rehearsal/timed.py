"""When the sentences and words of a rehearsal's silence are spoken, in proportion to the characters. Pure."""

from __future__ import annotations

import re

from workers.adapters.outputs import TimedPiece, TimedWord

_SENTENCE_END, _WORD = re.compile(r"[.!?…]\s+"), re.compile(r"\S+")


def pieces(text: str, duration_s: float) -> list[TimedPiece]:
    """The sentences of a text of so many seconds, with their words."""
    ends = [*(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
    return [_piece(text, start, end, duration_s / len(text)) for start, end in zip([0, *ends], ends, strict=False)]


def _piece(text: str, start: int, end: int, char_s: float) -> TimedPiece:
    found = _WORD.finditer(text, start, end)
    words = tuple(TimedWord(one[0], one.start() * char_s, one.end() * char_s) for one in found)
    return TimedPiece(text[start:end].strip(), start * char_s, end * char_s, words)
