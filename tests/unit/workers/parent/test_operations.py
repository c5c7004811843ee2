"""Load, unload and tidy, while nothing is in flight."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.workers.parent.small_slot import SmallSlot
from workers.parent.operations import Operations
from workers.wire.messages import Operation, OperationRan


class Made:
    """Operations over a scripted child, and what follows from them."""

    def __init__(self, slot: SmallSlot) -> None:
        self.failures: list[str] = []
        self.ended = 0
        self.answers: list[Any] = []
        self.operations = Operations(slot.supervisor, self.failures.append, self._end)

    def _end(self) -> None:
        self.ended += 1


@pytest.fixture
def made(slot: SmallSlot) -> Made:
    return Made(slot)


def test_an_answer_ends_the_operation_that_it_answers(slot: SmallSlot, made: Made) -> None:
    assert made.operations.run(Operation.TIDY, None, made.answers.append)
    assert made.operations.running is Operation.TIDY
    slot.from_child(OperationRan(99, 1.0))
    assert made.operations.running is Operation.TIDY, "that was another one"
    slot.sidecar.hear()
    slot.ran_operation(2.5)
    assert made.operations.running is None
    assert (made.answers, made.ended) == ([2.5], 1)


def test_one_that_takes_too_long_or_fails_says_why(slot: SmallSlot, made: Made) -> None:
    made.operations.run(Operation.UNLOAD, 0.0, made.answers.append)
    slot.turn()
    assert made.failures == ["unload took longer than 0 s"]
    slot.from_child(OperationRan(1, None, "RuntimeError: no"))
    assert made.failures[1:] == ["unload failed: RuntimeError: no"]


def test_one_that_has_ended_is_not_overdue_and_one_of_a_dead_child_has_no_answer(slot: SmallSlot, made: Made) -> None:
    made.operations.run(Operation.LOAD, 0.0, made.answers.append)
    made.operations.child_gone()
    slot.turn()
    assert (made.operations.running, made.failures, made.answers) == (None, [], [])


def test_without_a_child_nothing_is_run(slot: SmallSlot, made: Made) -> None:
    slot.supervisor.ended(0, is_stopping=True)
    assert not made.operations.run(Operation.LOAD, None, made.answers.append)
    assert made.operations.running is None
