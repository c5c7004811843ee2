"""A batch of the parent's: which calls are cancelled, and what nobody wants any more."""

from __future__ import annotations

from typing import Any

from tests.unit.workers.child.rehearsals import call
from tests.unit.workers.sidecar.sidecars import run_of
from workers.sidecar.shared.held import HeldBatch


class SomeWork:
    """Work for these calls."""

    part = "a text"

    def __init__(self, *calls: int) -> None:
        self.calls = calls


def test_marks_add_up_and_a_limit_is_remembered_in_its_words() -> None:
    batch = HeldBatch(1, [call("a"), call("b"), call("c")])
    batch.cancel([0], "")
    batch.cancel([2], "time_limit=1 s, set by the sender")
    assert (batch.cancelled, batch.over_limit) == ({0, 2}, {2: "time_limit=1 s, set by the sender"})
    assert batch.left == {0, 1, 2}


def test_work_is_unwanted_when_all_its_calls_are_cancelled() -> None:
    batch = HeldBatch(1, [call("a"), call("b")])
    batch.cancel([0], "")
    wanted: Any = SomeWork(0, 1)
    unwanted: Any = SomeWork(0)
    assert (batch.is_unwanted(wanted), batch.is_unwanted(unwanted)) == (False, True)


def test_a_run_has_the_calls_of_all_its_work() -> None:
    assert run_of(HeldBatch(1, []), 1, SomeWork(0, 2), SomeWork(1)).calls == (0, 2, 1)
