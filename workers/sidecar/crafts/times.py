"""Checks the pieces of a sound that an adapter gives, and makes them details of its artifact. Pure.

Guarantee: in the details the pieces follow each other without a gap from 0 to the end of the sound, and words lie
inside their piece, in order. What differs from that by no more than `TOLERANCE_S`, as sums of rounded seconds do, is
moved; what differs by more is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tasks.errors import ModelError
from tasks.media.pieces import TimedPiece, TimedWord, rounded

TOLERANCE_S = 0.001


def checked(pieces: Sequence[TimedPiece], duration_s: float) -> list[Any]:
    """The pieces of a sound of this length, as in details; raises `ModelError`, which names the first fault."""
    made: list[Any] = []
    end_s = 0.0
    for number, piece in enumerate(pieces, 1):
        where = f"pieces: number {number} («{piece.text:.20}»)"
        start_s, ends_s = end_s, _end_of(where, piece)
        if abs(piece.start_s - start_s) > TOLERANCE_S:
            raise ModelError(f"{where} begins at {piece.start_s:.4f} s, but the one before it ends at {start_s:.4f} s")
        if number == len(pieces):
            if abs(ends_s - duration_s) > TOLERANCE_S:
                raise ModelError(f"{where} is the last and ends at {ends_s:.4f} s, but the sound at {duration_s:.4f} s")
            ends_s = duration_s
        end_s = max(start_s, ends_s)
        made.append([piece.text, rounded(start_s), rounded(end_s), _words(where, piece, start_s, end_s)])
    return made


def _words(where: str, piece: TimedPiece, begins_s: float, ends_s: float) -> list[Any]:
    made: list[Any] = []
    before_s = begins_s
    for number, word in enumerate(piece.words, 1):
        what = f"{where}: word {number} («{word.text:.20}»)"
        end_s = _end_of(what, word)
        if word.start_s < before_s - TOLERANCE_S:
            raise ModelError(f"{what} begins at {word.start_s:.4f} s, but what is before it ends at {before_s:.4f} s")
        if end_s > ends_s + TOLERANCE_S:
            raise ModelError(f"{what} ends at {end_s:.4f} s, but its piece at {ends_s:.4f} s")
        start_s = min(max(word.start_s, before_s), ends_s)
        before_s = min(max(end_s, start_s), ends_s)
        made.append([word.text, rounded(start_s), rounded(before_s)])
    return made


def _end_of(where: str, timed: TimedPiece | TimedWord) -> float:
    """Its end; raises `ModelError` if its times are none."""
    if not (math.isfinite(timed.start_s) and math.isfinite(timed.end_s)):
        raise ModelError(f"{where} begins at {timed.start_s} s and ends at {timed.end_s} s: these are no times")
    if timed.start_s > timed.end_s + TOLERANCE_S:
        raise ModelError(f"{where} ends at {timed.end_s:.4f} s, before it begins at {timed.start_s:.4f} s")
    return timed.end_s
