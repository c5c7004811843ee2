"""What was measured becomes seconds for a part of any size; nothing becomes none."""

from __future__ import annotations

import pytest

from tasks.estimates.pace import TOGETHER_S, Measured, fitted, growth, read


def measured(size: float, seconds: float, samples: int = 20, parts: int = 20, at_s: float = 1000.0) -> Measured:
    """Parts of this mean size that took these mean seconds."""
    return Measured(samples, parts, size * parts, seconds * parts, at_s)


def seconds(classes: list[Measured], size: float) -> float:
    pace = fitted(classes)
    assert pace is not None
    return pace.seconds(1, size)


def test_what_was_never_measured_has_no_pace() -> None:
    assert fitted([]) is None
    assert read({b"grown": b"1 2 3"}) is None


def test_parts_of_two_sizes_say_the_seconds_of_a_part_and_of_a_character() -> None:
    pace = fitted([measured(100, 1.5), measured(300, 3.5)])
    assert pace is not None
    assert pace.part_s == pytest.approx(0.5)
    assert pace.unit_s == pytest.approx(0.01)
    assert pace.seconds(4, 1000) == pytest.approx(12.0)
    assert (pace.mean_size, pace.samples) == (200, 40)


def test_from_parts_of_one_size_a_longer_one_takes_as_much_longer() -> None:
    assert seconds([measured(100, 1.0)], 250) == pytest.approx(2.5)


def test_no_part_takes_less_for_being_longer_and_none_less_than_no_time() -> None:
    assert seconds([measured(100, 2.0), measured(300, 1.0)], 900) == pytest.approx(1.5)
    steep = [measured(100, 0.5), measured(300, 3.5)]
    assert seconds(steep, 10) > 0
    assert seconds(steep, 300) == pytest.approx(3.5, rel=0.1)


def test_inputs_without_a_size_take_their_time() -> None:
    assert seconds([measured(0, 2.0)], 0) == pytest.approx(2.0)


def test_what_was_measured_long_before_the_newest_says_nothing() -> None:
    old, new = measured(100, 9.0, at_s=0.0), measured(300, 3.0, at_s=TOGETHER_S + 1)
    assert seconds([old, new], 300) == pytest.approx(3.0)


def test_the_hash_of_a_model_is_read_and_fields_of_newer_versions_are_left_out() -> None:
    pace = read({b"s6": b"4 8 800 16000 1000", b"grown": b"1 2 3", b"newer": b"x"})
    assert pace is not None
    assert pace.seconds(1, 100) == pytest.approx(2.0)
    assert pace.samples == 4


def test_a_text_has_as_many_parts_as_the_mean_size_says_and_one_at_least() -> None:
    pace = fitted([measured(200, 1.0)])
    assert pace is not None
    assert (pace.parts_in(1000), pace.parts_in(20)) == (5.0, 1.0)


def test_a_kind_that_was_never_extended_does_not_grow() -> None:
    assert growth({}) == 1.0
    assert growth({b"grown": b"3 30 45"}) == 1.5
    assert growth({b"grown": b"1 0 0"}) == 1.0
