"""One child with its sidecar: what is sent to it, and what is in flight."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from tests.fixtures.waiting import GIVE_UP_S
from tests.unit.workers.parent.small_slot import RESULT, SmallSlot
from workers.wire.batches import AdapterStats, CallsEnded, ModelRan, Recall, Recalled


def test_what_was_handed_over_is_in_flight_until_each_call_is_answered(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a", "b")
    (pipeline,) = slot.flight.pipelines
    assert [(one.number, call, request.call.task_id) for one, call, request in pipeline.requests] == [
        (batch.number, 0, "a"),
        (batch.number, 1, "b"),
    ]
    found = pipeline.answered(CallsEnded(batch.number, [(1, RESULT)]), 5.0)
    assert [(call, result) for call, _, result in found] == [(1, RESULT)]
    assert (pipeline.in_flight, pipeline.moved_at) == (1, 5.0)
    assert pipeline.answered(CallsEnded(batch.number, [(1, RESULT), (0, RESULT)]), 6.0)[0][0] == 0
    assert pipeline.batches == {}


def test_an_answer_to_nothing_is_logged_and_costs_nothing(slot: SmallSlot, caplog: pytest.LogCaptureFixture) -> None:
    (pipeline,) = slot.flight.pipelines
    assert pipeline.answered(CallsEnded(9, [(0, RESULT)]), 1.0) == []
    assert "answers batch 9, which is not in flight" in caplog.text


def test_it_is_recalled_once_until_the_answer_and_not_when_nothing_is_in_flight(slot: SmallSlot) -> None:
    (pipeline,) = slot.flight.pipelines
    pipeline.recall()
    assert pipeline.recalls == 0
    slot.batch("a")
    pipeline.recall()
    pipeline.recall()
    slot.sidecar.hear()
    assert slot.sidecar.heard[-1] == Recall(1)
    assert slot.sidecar.recalls == 1
    pipeline.recalled(Recalled(1))
    assert pipeline.recalls == 0


def test_who_asks_what_the_adapters_count_loses_nothing_that_comes_before_the_answer(slot: SmallSlot) -> None:
    batch, (one, two) = slot.batch("a", "b")
    sidecar = slot.sidecar

    def answer() -> None:
        question = sidecar.line.receive()
        sidecar.line.send_all(
            [
                CallsEnded(batch.number, [(0, RESULT)]),
                AdapterStats(question.number - 1, {None: {"late": 1}}),
                AdapterStats(question.number, {None: {"hits": 7}}),
                CallsEnded(batch.number, [(1, RESULT)]),
            ]
        )

    sidecar.hear()
    answering = threading.Thread(target=answer)
    answering.start()
    assert slot.flight.ask_stats(GIVE_UP_S) == {None: {"hits": 7}}
    answering.join()
    slot.turn()
    assert slot.flight.count == 0
    assert (one.call.task_id, two.call.task_id) == ("a", "b")


def test_a_sidecar_that_does_not_answer_or_has_ended_counts_nothing(slot: SmallSlot) -> None:
    slot.batch("a")
    assert slot.flight.ask_stats(0.01) is None
    (pipeline,) = slot.flight.pipelines
    slot.sidecar.line.send(AdapterStats(1, {None: {"late": 1}}))
    slot.sidecar.line.close()
    for _ in range(2):
        slot.flight.hear_all()
    assert pipeline.is_closed
    assert slot.flight.ask_stats(0.01) is None
    assert pipeline.ask_stats(0.01) is None


def test_it_computes_while_something_runs_or_was_not_begun(slot: SmallSlot) -> None:
    (pipeline,) = slot.flight.pipelines
    assert not pipeline.computes
    batch, _ = slot.batch("a", "b")
    assert pipeline.computes, "it was not begun"
    slot.sidecar.begin(batch, 0)
    assert (pipeline.computes, pipeline.is_at_work) == (True, True)
    slot.sidecar.page.end_run(1.0)
    assert (pipeline.computes, pipeline.is_at_work) == (False, False)


def test_the_requests_of_the_run_are_those_of_its_calls_that_have_not_ended(slot: SmallSlot) -> None:
    batch, requests = slot.batch("a", "b")
    (pipeline,) = slot.flight.pipelines
    assert pipeline.running() is None
    slot.sidecar.begin(batch, 1)
    found = pipeline.running()
    assert found is not None
    assert (found[0].batch, found[1]) == (batch.number, requests[1:])


def test_its_last_words_are_read_before_its_line_is_closed(slot: SmallSlot) -> None:
    (pipeline,) = slot.flight.pipelines
    slot.sidecar.line.send(ModelRan((), True))
    slot.sidecar.line.close()
    assert pipeline.read() == [ModelRan((), True)]
    assert not pipeline.is_closed
    assert (pipeline.read(), pipeline.is_closed) == ([], True)
    assert pipeline.read() == []


def test_a_sidecar_is_killed_by_its_pid_unless_it_has_ended(slot: SmallSlot) -> None:
    (pipeline,) = slot.flight.pipelines
    pipeline.kill_sidecar()  # it has no pid yet
    if not (pid := os.fork()):
        signal.pause()
    slot.sidecar.page.sidecar_began(pid)
    pipeline.kill_sidecar()
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    pipeline.kill_sidecar()  # it is dead
