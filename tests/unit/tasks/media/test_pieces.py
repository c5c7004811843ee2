"""When a text is spoken: read from the details of a sound, moved to a place in a longer one, and small in a result."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from tasks.media.pieces import MOST_BYTES, TimedPiece, TimedWord, for_result, pieces_at, pieces_of

SOUND = {"sample_rate": 22_050, "frames": 33_075}
TOLD = {**SOUND, "pieces": [["Xin chào.", 0.0, 0.9, [["Xin", 0.1, 0.3], ["chào.", 0.35, 0.9]]], ["A!", 0.9, 1.5, []]]}


def test_the_details_of_a_sound_tell_its_pieces_and_their_words() -> None:
    words = (TimedWord("Xin", 0.1, 0.3), TimedWord("chào.", 0.35, 0.9))
    assert pieces_of(TOLD) == (TimedPiece("Xin chào.", 0.0, 0.9, words), TimedPiece("A!", 0.9, 1.5))


def test_a_sound_that_tells_none_is_one_piece_with_its_text_and_without_words() -> None:
    assert pieces_of(SOUND, "Xin chào.") == (TimedPiece("Xin chào.", 0.0, 1.5),)
    assert pieces_at(SOUND, "Xin chào.", 11_025, 22_050, 22_050) == [["Xin chào.", 0.5, 1.5, []]]


@pytest.mark.parametrize("pieces", [None, 5, [], [["text", 0.0]], [["text", "0", "1", []]], [["text", 0.0, 1.5, [[]]]]])
def test_pieces_of_another_form_count_as_none(pieces: object) -> None:
    assert pieces_of({**SOUND, "pieces": pieces}, "A") == (TimedPiece("A", 0.0, 1.5),)
    assert for_result({**SOUND, "pieces": pieces}, "A") == (TimedPiece("A", 0.0, 1.5),)


def test_what_is_no_sound_has_no_pieces() -> None:
    with pytest.raises(KeyError):
        pieces_of({"strokes": 5})


@pytest.mark.parametrize("rate", [22_050, 24_000, 44_100])
def test_over_a_thousand_parts_no_time_is_off_by_more_than_a_tenth_of_a_millisecond(rate: int) -> None:
    start, worst = 0, Fraction(0)
    for number in range(1000):
        frames = 12_345 + 17 * number  # no whole number of tenths of a millisecond
        middle = frames // 3
        own = [["a", 0.0, round(middle / rate, 4), []], ["b", round(middle / rate, 4), round(frames / rate, 4), []]]
        told = pieces_at({"pieces": own}, "", start, frames, rate)
        real = [Fraction(start + at, rate) for at in (0, middle, middle, frames)]
        times = [Fraction(time) for piece in told for time in piece[1:3]]
        worst = max(worst, *(abs(one - other) for one, other in zip(times, real, strict=True)))
        start += frames + round(0.15 * rate)
    assert worst <= Fraction(1, 10_000) + Fraction(1, 10**9)


def test_a_result_has_pieces_up_to_a_size() -> None:
    size = len(json.dumps(["x" * 1000, 0.0, 1.5, []]))
    many: dict[str, Any] = {**SOUND, "pieces": [["x" * 1000, 0.0, 1.5, []]] * (MOST_BYTES // size)}
    assert for_result(many) == pieces_of(many)
    many["pieces"] = [*many["pieces"], *many["pieces"][:1]]
    assert for_result(many) is None
    assert for_result(SOUND, "x" * MOST_BYTES) is None
    assert for_result(SOUND, "Short.") == (TimedPiece("Short.", 0.0, 1.5),)
