"""Which ends of a slot are told to Redis: each that took its time, and very short ones together."""

from __future__ import annotations

import pytest

from tasks.flow.ledger.run_times import EVERY_S, MOST_ENDS, Ended, RunTimes, noting

ONE, TWO, THREE = [("job", 1)], [("job", 2)], [("job", 3), ("other", 1)]


def test_each_end_is_told_with_the_time_since_the_one_before() -> None:
    times = RunTimes()
    assert times.end(10.0, ONE) == [Ended(ONE, 0.0, None)]
    assert times.end(12.0, TWO) == [Ended(TWO, 0.0, 2.0)]


def test_very_short_ones_are_told_together() -> None:
    times = RunTimes()
    times.end(10.0, ONE)
    assert times.end(10.0 + EVERY_S / 4, ONE) == []
    assert times.end(10.0 + EVERY_S / 2, TWO) == []
    first, second, third = times.end(10.0 + EVERY_S, THREE)
    assert [one.parts for one in (first, second, third)] == [ONE, TWO, THREE]
    assert [one.ago_s for one in (first, second, third)] == pytest.approx([EVERY_S * 3 / 4, EVERY_S / 2, 0.0])
    assert [one.since_s for one in (first, second, third)] == pytest.approx([EVERY_S / 4, EVERY_S / 4, EVERY_S / 2])


def test_of_very_many_ends_some_are_left_out_with_their_time() -> None:
    times = RunTimes()
    times.end(10.0, ONE)
    for number in range(1, 1000):
        assert times.end(10.0 + number * EVERY_S / 1000, ONE) == []
    found = times.end(10.0 + EVERY_S, TWO)
    assert len(found) == MOST_ENDS
    assert [one.since_s for one in found] == pytest.approx([EVERY_S / 1000] * MOST_ENDS)


def test_what_else_a_slot_computes_takes_its_time() -> None:
    times = RunTimes()
    assert times.end(10.0, []) == []
    assert times.end(13.0, ONE) == [Ended(ONE, 0.0, 3.0)]


def test_one_run_of_the_script_is_told_of_all() -> None:
    assert noting([]) == []
    assert noting([Ended(ONE, 0.02, None), Ended(THREE, 0.0, 0.0154)]) == [
        ("pace", [], [20, -1, 1, "job", 1, 0, 15, 2, "job", 3, "other", 1])
    ]
