"""The Redis lists of a queue: one for each of Celery's priorities, by the names that kombu gives them."""

from __future__ import annotations

import pytest

from tasks.routing import (
    ALONE,
    OF_JOB,
    OF_NESTED_JOB,
    PRIORITY_STEPS,
    list_key,
    list_keys,
    priority_of,
)


@pytest.mark.parametrize(
    ("priority", "step"), [(-1, 0), (0, 0), (1, 0), (2, 0), (3, 3), (5, 3), (6, 6), (8, 6), (9, 9), (10, 9)]
)
def test_a_priority_is_rounded_down_to_a_list_that_workers_read(priority: int, step: int) -> None:
    assert list_key("espeak", priority) == ("espeak" if step == 0 else f"espeak\x06\x16{step}")
    assert list_key("espeak", priority) in list_keys("espeak")


def test_a_list_says_its_priority() -> None:
    assert [priority_of(name) for name in list_keys("flow")] == list(PRIORITY_STEPS)


def test_all_lists_of_a_queue_come_in_the_order_in_which_they_are_read() -> None:
    assert list_keys("flow") == ["flow", "flow\x06\x163", "flow\x06\x166", "flow\x06\x169"]


def test_a_single_input_goes_before_a_jobs_and_a_jobs_before_that_of_a_job_in_a_job() -> None:
    places = [list_keys("q").index(list_key("q", priority)) for priority in (ALONE, OF_JOB, OF_NESTED_JOB)]
    assert places == sorted(set(places))
    assert {ALONE, OF_JOB, OF_NESTED_JOB} <= set(PRIORITY_STEPS), "no two of them share a list by rounding"
