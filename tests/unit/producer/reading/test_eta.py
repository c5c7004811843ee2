"""The time left: from this run's pace alone."""

from __future__ import annotations

import pytest

from producer.reading.eta import Eta


def test_nothing_is_promised_before_something_was_computed() -> None:
    eta = Eta()
    eta.add(0.0, 0.0)
    assert eta.left_s(10.0, 100.0) is None


def test_the_time_left_is_what_remains_at_the_pace_so_far() -> None:
    eta = Eta()
    eta.add(0.0, 0.0)
    eta.add(10.0, 100.0)
    assert eta.left_s(10.0, 300.0) == pytest.approx(30.0)


def test_what_an_earlier_run_computed_does_not_count_towards_the_pace() -> None:
    eta = Eta()
    eta.add(0.0, 5000.0)
    eta.add(10.0, 5100.0)
    assert eta.left_s(10.0, 300.0) == pytest.approx(30.0)


def test_a_stall_makes_the_time_left_grow() -> None:
    eta = Eta()
    eta.add(0.0, 0.0)
    eta.add(10.0, 100.0)
    early, late = eta.left_s(10.0, 100.0), eta.left_s(100.0, 100.0)
    assert early is not None
    assert late is not None
    assert late > early


def test_only_the_last_minutes_count_for_the_pace() -> None:
    eta = Eta(window_s=100.0)
    eta.add(0.0, 0.0)
    for second in range(1000, 1200, 10):
        eta.add(float(second), float(second))
    assert eta.left_s(1190.0, 50.0) == pytest.approx(50.0)
