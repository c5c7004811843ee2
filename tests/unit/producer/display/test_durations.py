"""Durations as people say them."""

from __future__ import annotations

import pytest

from producer.display.durations import duration, exact_duration


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "–"), (0.4, "0 s"), (59.4, "59 s"), (187.0, "3:07 min"), (3720.0, "1:02 h")]
)
def test_a_duration_is_shown_as_people_say_it(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_below_a_minute_tenths_of_a_second_can_be_shown() -> None:
    assert exact_duration(4.25) == "4.2 s"
    assert exact_duration(90.0) == "1:30 min"
