"""What follows from a sidecar's words; what is handed over then stands in `test_dispatcher.py`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.workers.parent.small_slot import RESULT, SmallSlot
from workers.parent.listener import NoListener
from workers.wire.batches import CallsEnded, ModelRan
from workers.wire.call import NotBegun


class Listener(NoListener):
    """Notes what the slot says."""

    def __init__(self) -> None:
        self.runs: list[tuple[Sequence[str], bool]] = []
        self.numbers: list[int] = []

    def ran(self, failed: Sequence[str], worked: bool) -> None:
        """Note it."""
        self.runs.append((failed, worked))

    def takes(self, parts: int) -> None:
        """Note it."""
        self.numbers.append(parts)


@pytest.fixture
def listener(slot: SmallSlot) -> Listener:
    slot.supervisor.listener = made = Listener()
    return made


def test_a_failure_of_the_model_is_heard_before_its_results(slot: SmallSlot, listener: Listener) -> None:
    batch, _ = slot.running("a")
    slot.sidecar.line.send_all([ModelRan(("a",), False), CallsEnded(batch.number, [(0, RESULT)])])
    slot.turn()
    assert listener.runs == [(("a",), False)]
    assert slot.heard["a"] == [RESULT]


def test_a_result_without_a_run_is_accepted_all_the_same(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a")
    slot.answer(batch, {0: (1, "refused", None)})  # type: ignore[dict-item]
    assert (slot.started, slot.heard["a"]) == (["a"], [(1, "refused", None)])


def test_the_slot_says_how_many_it_takes_when_that_changes(slot: SmallSlot, listener: Listener) -> None:
    for _ in range(12):
        batch, _ = slot.batch("a")
        slot.answer(batch, {0: RESULT}, computed_s=0.001, computed=1)
    assert listener.numbers == sorted(set(listener.numbers)) != []
    assert listener.numbers[-1] == 3 * slot.hand_over.number


def test_runs_are_counted_in_batches_of_the_model(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a", "b")
    slot.answer(batch, {0: RESULT, 1: RESULT})
    sizes = slot.dispatcher.batch_sizes
    assert (sizes.batches, sizes.last) == (1, 2)
    assert slot.dispatcher.done_at is not None


def test_what_comes_back_unasked_goes_back_when_nothing_is_in_flight(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a", "b")
    slot.answer(batch, {1: NotBegun()})
    assert slot.heard == {}
    slot.answer(batch, {0: NotBegun()})
    assert slot.order == ["b", "a"]
