"""Time limits in messages, of tasks and of workers: which one counts, and what it is called."""

from __future__ import annotations

from typing import Any

import pytest

from workers.wire.limits import SENDER, WORKER, TimeLimit, of_sender, shortest


@pytest.mark.parametrize(
    ("timelimit", "words"),
    [
        ([0.2, None], "time_limit=0.2 s, set by the sender"),
        ([None, 5], "soft_time_limit=5 s, set by the sender"),
        ([10, 5], "soft_time_limit=5 s, set by the sender"),
        ([5, 10], "time_limit=5 s, set by the sender"),
        ([5, 5], "time_limit=5 s, set by the sender"),
    ],
)
def test_the_shorter_of_a_senders_two_limits_counts_and_is_named(timelimit: list[Any], words: str) -> None:
    limit = of_sender({"timelimit": timelimit})
    assert str(limit) == words
    assert limit is not None
    assert limit.is_the_senders


@pytest.mark.parametrize(
    "timelimit", [None, [], [None, None], [0, 0], [-1, None], [float("inf"), None], "soon", [True]]
)
def test_what_is_no_limit_is_none(timelimit: Any) -> None:
    assert of_sender({"timelimit": timelimit}) is None
    assert of_sender({}) is None


def test_a_workers_limit_is_not_the_senders() -> None:
    limit = shortest((3.0, None), WORKER)
    assert limit == TimeLimit(3.0, "time_limit", WORKER)
    assert limit is not None
    assert not limit.is_the_senders
    assert SENDER != WORKER
