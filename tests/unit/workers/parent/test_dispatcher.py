"""What is handed over, when, and what its requests hear of it."""

from __future__ import annotations

import logging

import pytest
from celery.exceptions import Ignore, Reject

from tests.unit.workers.parent.small_slot import RESULT, SmallSlot
from workers.parent.restart_policy import GB
from workers.wire.call import GivenBack, RunAlone
from workers.wire.limits import SENDER, TimeLimit
from workers.wire.messages import Operation
from workers.wire.state import State

LIMIT = TimeLimit(3.0, "time_limit", SENDER)


@pytest.fixture
def single(own_environment: None) -> SmallSlot:
    """A slot whose model computes one request at a time."""
    return SmallSlot(table="")


def test_what_is_received_is_handed_over_before_the_loop_sleeps_and_once_even_if_timers_are_forgotten(
    slot: SmallSlot,
) -> None:
    slot.loop.call_later(0, slot.request, "a")
    slot.turn()
    assert slot.batches() == [["a"]], "in the turn in which it was received"
    slot.turn()
    assert slot.batches() == [["a"]], "and not again"
    slot.finish(slot.sidecar.batches[0], RESULT)
    slot.request("b")
    slot.loop.timer.clear()
    slot.turn()
    assert slot.batches() == [["a"], ["b"]]


def test_three_batches_are_in_flight_and_the_next_when_one_has_ended(single: SmallSlot) -> None:
    for name in "abcde":
        single.request(name)
        single.turn()
    assert single.batches() == [["a"], ["b"], ["c"]]
    assert single.waiting() == ["d", "e"]
    single.finish(single.sidecar.batches[0], RESULT)
    assert single.batches() == [["a"], ["b"], ["c"], ["d"]], "at once, before the loop turns"
    single.close()


def test_without_the_pipeline_one_batch_is_in_flight(own_environment: None) -> None:
    slot = SmallSlot(depth=1)
    first, _ = slot.running("a")
    for name in "bcd":
        slot.request(name)
    slot.turn()
    assert slot.batches() == [["a"]]
    slot.finish(first, RESULT)
    assert slot.batches() == [["a"], ["b", "c"]]
    slot.close()


def test_full_batches_are_handed_over_ahead_and_one_that_is_not_waits_for_more_until_the_model_is_free(
    slot: SmallSlot,
) -> None:
    first, _ = slot.running("a", "b")
    slot.request("c")
    slot.turn()
    assert slot.batches() == [["a", "b"]], "what comes while it computes runs together"
    slot.request("d")
    slot.turn()
    assert slot.batches() == [["a", "b"], ["c", "d"]]
    second = slot.sidecar.batches[1]
    slot.request("e")
    slot.finish(first, RESULT, RESULT)
    slot.turn()
    assert slot.waiting() == ["e"], "the second batch has not begun"
    slot.sidecar.begin(second)
    slot.finish(second, RESULT, RESULT)
    slot.turn()
    assert slot.batches() == [["a", "b"], ["c", "d"], ["e"]]


def test_more_than_a_batch_is_handed_over_together_when_jobs_are_short(single: SmallSlot) -> None:
    batch, _ = single.batch("a")
    single.answer(batch, {0: RESULT}, computed_s=0.0, computed=1)
    for _ in range(30):
        single.hand_over.computed(0.001, 1)
    for name in "bcdefgh":
        single.request(name)
    single.turn()
    assert single.batches() == [["a"], list("bcdefgh")]
    single.close()


def test_each_request_hears_its_own_result_also_before_the_others_of_its_batch(slot: SmallSlot) -> None:
    batch, _ = slot.running("a", "b")
    slot.answer(batch, {1: (1, "two", 0.2)})
    assert slot.heard == {"b": [(1, "two", 0.2)]}
    assert slot.dispatcher.in_flight == 1
    slot.answer(batch, {0: (0, "one", 0.1), 1: (0, "again", 0.1)})
    assert slot.heard == {"a": [(0, "one", 0.1)], "b": [(1, "two", 0.2)]}, "each is answered once"
    assert slot.started == ["b", "a"], "Celery hears first that it has begun"
    assert (slot.dispatcher.in_flight, slot.supervisor.restarts.deaths) == (0, 0)


def test_what_must_run_alone_is_next_with_nothing_beside_it_unless_it_is_cancelled(slot: SmallSlot) -> None:
    batch, (_, unwanted) = slot.running("a", "b")
    for name in "cdef":
        slot.request(name)
    slot.turn()
    assert slot.batches() == [["a", "b"], ["c", "d"], ["e", "f"]]
    unwanted.is_cancelled = True
    slot.finish(batch, RunAlone(), RunAlone())
    slot.turn()
    assert len(slot.batches()) == 3, "others are still in flight"
    for behind in slot.sidecar.batches[1:]:
        slot.request("gh"[behind.number - 2])
        slot.finish(behind, RESULT, RESULT)
    slot.turn()
    assert (slot.batches()[3:], slot.waiting()) == ([["a"]], ["g", "h"])
    assert slot.sidecar.batches[3].is_alone
    assert isinstance(slot.heard["b"][0], Ignore)
    slot.finish(slot.sidecar.batches[3], RESULT)
    assert slot.batches()[4:] == [["g", "h"]]


def test_while_the_model_is_paused_what_runs_ends_and_the_rest_goes_back_in_order(slot: SmallSlot) -> None:
    running, _ = slot.running("a", "b")
    slot.batch("c", "d")
    slot.request("e")
    slot.dispatcher.pause(True)
    slot.request("f")
    slot.turn()
    assert (slot.order, slot.sidecar.recalls) == (["e", "f"], 1)
    slot.recalled(b2=[0, 1])
    assert slot.order == ["e", "f", "d", "c"], "the last first: each goes to the front"
    assert all(isinstance(slot.heard[name][0], Reject) for name in "cdef")
    slot.finish(running, RESULT, RESULT)
    slot.turn()
    assert slot.heard["a"] == [RESULT]
    slot.dispatcher.pause(False)
    slot.request("g")
    slot.turn()
    assert slot.batches()[2:] == [["g"]]


def test_what_may_not_begin_goes_back_with_all_that_waits_behind_it(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a", "b")
    slot.request("c")
    slot.answer(batch, {0: RESULT, 1: GivenBack()})
    assert slot.order == ["c", "b", "a"]
    assert [isinstance(slot.heard[name][0], Reject) for name in "bc"] == [True, True]
    assert slot.dispatcher.is_paused


def test_a_lazy_slots_model_is_not_loaded_while_it_is_paused(slot: SmallSlot) -> None:
    slot.supervisor.state = State.UNLOADED
    slot.dispatcher.pause(True)
    slot.request("a")
    slot.turn()
    assert slot.sidecar.operations == []


def test_a_request_with_a_limit_of_its_own_has_nothing_beside_it(slot: SmallSlot) -> None:
    slot.request("a", limit=LIMIT)
    slot.request("b")
    slot.request("c")
    slot.turn()
    assert slot.batches() == [["a"]]
    slot.finish(slot.sidecar.batches[0], RESULT)
    assert slot.batches() == [["a"], ["b", "c"]]


def test_a_part_of_a_job_has_no_limit_of_its_own_whatever_its_message_says(slot: SmallSlot) -> None:
    part = slot.request("a", limit=LIMIT, job="job", part=1)
    slot.request("b")
    slot.turn()
    assert slot.batches() == [["a", "b"]]
    assert part.limit is None


def test_a_model_that_is_not_loaded_is_loaded_before_anything_is_handed_over(slot: SmallSlot) -> None:
    slot.supervisor.state = State.UNLOADED
    slot.request("a")
    slot.turn()
    assert (slot.sidecar.operations, slot.dispatcher.operation) == ([Operation.LOAD], Operation.LOAD)
    assert (slot.batches(), slot.dispatcher.busy_since) == ([], None)
    slot.supervisor.state = State.READY
    slot.ran_operation()
    assert slot.batches() == [["a"]]


def test_an_operation_is_for_the_idle_child_alone_and_its_answer_is_heard(slot: SmallSlot) -> None:
    answers: list[object] = []
    batch, _ = slot.running("a")
    assert not slot.dispatcher.run_operation(Operation.TIDY, answers.append)
    slot.finish(batch, RESULT)
    assert slot.dispatcher.run_operation(Operation.TIDY, answers.append)
    slot.request("b")
    slot.turn()
    assert slot.batches() == [["a"]], "what comes meanwhile waits"
    slot.ran_operation(7.5)
    slot.turn()
    assert (answers, slot.batches()) == ([7.5], [["a"], ["b"]])


def test_a_closed_gate_gives_back_what_has_not_begun_in_order_and_lets_the_rest_end(slot: SmallSlot) -> None:
    batch, _ = slot.running("a")
    for name in "bcd":
        slot.request(name)
    slot.turn()
    slot.dispatcher.shut("the model fails everything")
    slot.turn()
    slot.recalled(b2=[0, 1])
    assert slot.order == ["d", "c", "b"], "the first goes back last, and so to the front"
    assert [(type(one), one.requeue) for one in slot.heard["b"]] == [(Reject, True)]
    assert not slot.dispatcher.is_ready
    slot.finish(batch, RESULT)
    assert slot.heard["a"] == [RESULT]
    slot.request("e")
    slot.turn()
    assert slot.waiting() == ["e"]
    slot.dispatcher.open()
    slot.turn()
    assert slot.batches()[2:] == [["e"]]


def test_a_child_that_is_replaced_ends_what_it_runs_first_and_gets_no_more(slot: SmallSlot) -> None:
    batch, _ = slot.running("a")
    slot.request("b")
    slot.dispatcher.replace_child()
    slot.turn()
    assert (slot.child.kills, slot.sidecar.recalls) == ([], 1)
    slot.finish(batch, RESULT)
    assert slot.child.kills == [True], "planned: it runs nothing"
    assert slot.batches() == [["a"]]
    slot.supervisor.restarts.died()
    assert slot.supervisor.restarts.deaths == 0, "this death does not count"


def test_a_child_that_has_grown_beyond_its_limit_is_replaced_when_nothing_is_in_flight(
    own_environment: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    slot = SmallSlot(table="recycle_rss_gb = 1\nbatch_size = 2")
    recycling = slot.supervisor.recycling
    recycling.started()
    recycling.ready(GB // 2)
    batch, _ = slot.running("a")
    recycling.used(GB)
    slot.finish(batch, RESULT)
    assert slot.child.kills == [], "no more than its limit"
    batch, _ = slot.running("b")
    slot.request("c")
    recycling.used(2 * GB)
    slot.finish(batch, RESULT)
    assert (slot.child.kills, slot.heard["b"]) == ([True], [RESULT])
    assert isinstance(slot.heard["c"][0], Reject), "given back, and not sent to a dying child"
    assert not slot.dispatcher.is_ready
    assert "is replaced: it used 2.00 GB after 2 batches, more than recycle_rss_gb = 1" in caplog.text
    slot.supervisor.ended(-9)
    assert slot.supervisor.restarts.deaths == 0
    assert "died" not in caplog.text
    slot.close()


@pytest.mark.parametrize("why", ["stopping", "no process", "not begun to serve"])
def test_nothing_is_handed_over_where_it_would_not_be_run(slot: SmallSlot, why: str) -> None:
    match why:
        case "stopping":
            slot.dispatcher.stop("the worker stops")
        case "no process":
            slot.child.has_child = False
        case _:
            slot.supervisor.stands_by = False
    slot.request("a")
    slot.turn()
    assert slot.batches() == []
    assert slot.waiting() == ["a"]


def test_what_the_sidecar_does_not_take_waits_again_in_its_order(slot: SmallSlot) -> None:
    slot.sidecar.line.close()
    for name in "abc":
        slot.request(name)
    slot.dispatcher.pump()
    assert slot.waiting() == ["a", "b", "c"]
    assert slot.dispatcher.in_flight == 0


def test_a_slot_is_idle_since_its_last_result_or_its_load(slot: SmallSlot) -> None:
    slot.supervisor.ready_at = 0.0
    since_load = slot.dispatcher.idle_s
    batch, _ = slot.batch("a")
    slot.sidecar.begin(batch, at=10.0)
    assert slot.dispatcher.idle_s is None
    assert slot.dispatcher.busy_since == 10.0
    slot.finish(batch, RESULT)
    since_batch = slot.dispatcher.idle_s
    assert since_load is not None
    assert since_batch is not None
    assert since_batch < since_load
