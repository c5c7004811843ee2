"""All pipelines of a slot."""

from __future__ import annotations

from tests.unit.workers.parent.small_slot import RESULT, SmallSlot


def test_the_last_child_takes_batches_while_it_lives(slot: SmallSlot) -> None:
    first = slot.flight.current
    assert first is not None
    slot.child_dies()
    assert slot.flight.current is None
    slot.start_child()
    assert slot.flight.current is not None
    assert slot.flight.current is not first


def test_a_slot_is_alive_while_its_child_or_any_sidecar_is(slot: SmallSlot) -> None:
    assert (slot.flight.has_child, slot.flight.is_alive) == (True, True)
    slot.child_dies()
    assert (slot.flight.has_child, slot.flight.is_alive) == (False, True)
    slot.sidecar_ends()
    assert not slot.flight.is_alive


def test_what_is_in_flight_is_found(slot: SmallSlot) -> None:
    batch, (one, _) = slot.batch("a", "b")
    waiting = slot.request("c")
    assert (slot.flight.count, slot.flight.is_busy) == (2, True)
    assert slot.flight.find(one) is slot.flight.current
    assert slot.flight.find(waiting) is None
    slot.finish(batch, RESULT, RESULT)
    assert slot.flight.find(one) is None


def test_the_lines_are_read_again_after_the_loop_was_reset(slot: SmallSlot) -> None:
    (pipeline,) = slot.flight.pipelines
    slot.loop.reset()
    assert pipeline.fileno() not in slot.loop.readers
    slot.flight.listen()
    assert pipeline.fileno() in slot.loop.readers


def test_a_planned_kill_marks_all_that_runs_as_innocent(slot: SmallSlot) -> None:
    slot.flight.kill(is_planned=True, is_error=False)
    assert slot.child.kills == [True]
    assert slot.flight.pipelines[0].is_planned
