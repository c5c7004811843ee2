"""What an adapter says of times: made exact where it nearly is, and refused with the fault where it cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.errors import ModelError
from workers.adapters.outputs import TimedPiece, TimedWord
from workers.sidecar.crafts.times import checked


def test_pieces_that_nearly_fit_are_gapless_from_the_begin_to_the_end_and_hold_their_words() -> None:
    words = (TimedWord("Xin", -0.0004, 0.3), TimedWord("chào", 0.2996, 1.0009))
    pieces = [TimedPiece("Xin chào.", 0.0003, 1.0002, words), TimedPiece("A!", 0.9999, 2.4996)]
    assert checked(pieces, 2.5) == [
        ["Xin chào.", 0.0, 1.0002, [["Xin", 0.0, 0.3], ["chào", 0.3, 1.0002]]],
        ["A!", 1.0002, 2.5, []],
    ]


def test_numbers_of_numpy_are_numbers() -> None:
    word = TimedWord("a", np.float32(0.25), np.float32(0.5))  # type: ignore[arg-type]
    [[_, _, _, [made]]] = checked([TimedPiece("a", 0.0, 1.0, (word,))], 1.0)
    assert made == ["a", 0.25, 0.5]
    assert [type(one) for one in made] == [str, float, float]


def word(start_s: float, end_s: float) -> tuple[TimedWord, ...]:
    return (TimedWord("one", 0.2, 0.4), TimedWord("two", start_s, end_s))


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (
            [TimedPiece("A", 0.1, 1.0)],
            "pieces: number 1 («A») begins at 0.1000 s, but the one before it ends at 0.0000 s",
        ),
        ([TimedPiece("A", -0.1, 1.0)], "begins at -0.1000 s"),
        ([TimedPiece("A", 0.0, 0.9)], "number 1 («A») is the last and ends at 0.9000 s, but the sound at 1.0000 s"),
        ([TimedPiece("A", 0.0, 1.1)], "ends at 1.1000 s, but the sound at 1.0000 s"),
        ([TimedPiece("A", 0.0, math.nan)], "begins at 0.0 s and ends at nan s: these are no times"),
        ([TimedPiece("A", -math.inf, 1.0)], "begins at -inf s"),
        ([TimedPiece("A", 0.0, 0.6), TimedPiece("B", 0.4, 1.0)], "number 2 («B») begins at 0.4000 s, but"),
        ([TimedPiece("A", 0.0, 0.4), TimedPiece("B", 0.6, 1.0)], "number 2 («B») begins at 0.6000 s, but"),
        ([TimedPiece("A", 0.0, -0.4), TimedPiece("B", -0.4, 1.0)], "ends at -0.4000 s, before it begins at 0.0000 s"),
        ([TimedPiece("A", 0.0, 1.0, word(0.3, 0.5))], "word 2 («two») begins at 0.3000 s, but what is before it ends"),
        ([TimedPiece("A", 0.0, 1.0, word(0.5, 1.1))], "word 2 («two») ends at 1.1000 s, but its piece at 1.0000 s"),
        ([TimedPiece("A", 0.0, 1.0, word(0.6, 0.5))], "word 2 («two») ends at 0.5000 s, before it begins at 0.6000 s"),
        ([TimedPiece("A", 0.0, 1.0, word(0.5, math.nan))], "word 2 («two») begins at 0.5 s and ends at nan s"),
    ],
)
def test_times_that_cannot_be_are_refused_and_named(pieces: list[TimedPiece], said: str) -> None:
    with pytest.raises(ModelError) as caught:
        checked(pieces, 1.0)
    assert said in str(caught.value)
