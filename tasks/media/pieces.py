"""When the pieces of a text and their words are spoken: in the details of a sound, and in a joined sound. Pure.

In details they are `pieces`, a list of `[text, start_s, end_s, [[word, start_s, end_s], …]]`: seconds from the begin
of the sound, to 0.1 ms; no words where the model does not know their times. Guarantee: in a joined sound each time is
computed from the frames before its part, not from other times, so errors do not add up: all are exact to 0.1 ms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

PIECES = "pieces"
"""Their key in an artifact's details."""

DIGITS = 4
"""Of a second behind the point."""

MOST_BYTES = 1_000_000
"""As much JSON of pieces stands in a result; what is longer stands only in the artifact's details."""


class TimedWord(NamedTuple):
    """A word and when it is spoken, in seconds from the beginning of the sound."""

    text: str
    start_s: float
    end_s: float


class TimedPiece(NamedTuple):
    """A stretch of text that the model spoke at once, and when; its words, if the model knows their times.

    The pieces of what a model made follow each other without a gap: the first begins at 0, the last ends with the
    sound. Between the pieces of a joined sound are its pauses.
    """

    text: str
    start_s: float
    end_s: float
    words: tuple[TimedWord, ...] = ()


Pieces: TypeAlias = tuple[TimedPiece, ...]


def pieces_of(details: Mapping[str, Any], text: str = "") -> Pieces:
    """The pieces that a sound's details tell; if they tell none, one with this text, as long as the sound.

    Raises `KeyError` for the details of something else than a sound.
    """
    duration_s = details["frames"] / details["sample_rate"]
    return _typed(_told(details, 0.0) or _whole(text, 0.0, duration_s))


def pieces_at(details: Mapping[str, Any], text: str, start: int, frames: int, rate: int) -> list[Any]:
    """The pieces of a part, as in details, in a sound in which its `frames` begin behind `start` others (`rate` in Hz).

    If the part's details tell none, it is one piece with this text.
    """
    return _told(details, start / rate) or _whole(text, start / rate, (start + frames) / rate)


def for_result(details: Mapping[str, Any], text: str = "") -> Pieces | None:
    """`pieces_of`; None if they are too long for a result."""
    told, size = details.get(PIECES), 0
    for piece in told if isinstance(told, list) else [text]:
        size += len(json.dumps(piece))
        if size > MOST_BYTES:
            return None
    return pieces_of(details, text)


def rounded(seconds: float) -> float:
    """Seconds as they stand in details."""
    return round(float(seconds), DIGITS)


def _told(details: Mapping[str, Any], by_s: float) -> list[Any]:
    """The pieces in details, so many seconds later; nothing for what has another form."""
    if PIECES not in details:
        return []
    try:
        return [
            [text, round(start + by_s, DIGITS), round(end + by_s, DIGITS), _words(words, by_s)]
            for text, start, end, words in details[PIECES]
        ]
    except (TypeError, ValueError):
        return []


def _words(words: Sequence[Any], by_s: float) -> list[Any]:
    return [[text, round(start + by_s, DIGITS), round(end + by_s, DIGITS)] for text, start, end in words]


def _whole(text: str, start_s: float, end_s: float) -> list[Any]:
    return [[text, rounded(start_s), rounded(end_s), []]]


def _typed(pieces: Sequence[Any]) -> Pieces:
    return tuple(TimedPiece(text, s, e, tuple(TimedWord(*word) for word in words)) for text, s, e, words in pieces)
