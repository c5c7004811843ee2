"""What is handed to the slot's child, when, and what its requests hear of it."""

from __future__ import annotations

import logging

import pytest
from celery.exceptions import Ignore, Reject

from tests.unit.workers.parent.small_slot import RESULT, SmallSlot, run_operation
from workers.parent.restart_policy import GB
from workers.wire.call import GivenBack, RunAlone
from workers.wire.limits import SENDER, TimeLimit
from workers.wire.messages import Operation
from workers.wire.state import State

LIMIT = TimeLimit(3.0, "time_limit", SENDER)


def test_what_is_received_is_handed_over_before_the_loop_sleeps_and_once_even_if_timers_are_forgotten(
    slot: SmallSlot,
) -> None:
    slot.loop.call_later(0, slot.request, "a")
    slot.turn()
    assert slot.batches() == [["a"]], "in the turn in which it was received"
    slot.turn()
    assert slot.batches() == [["a"]], "and not again"
    slot.child.handed[0].finish(RESULT)
    slot.request("b")
    slot.loop.timer.clear()
    slot.turn()
    assert slot.batches() == [["a"], ["b"]]


def test_one_batch_runs_at_a_time_and_what_gathers_meanwhile_goes_together(slot: SmallSlot) -> None:
    first, _ = slot.running("a")
    for name in "bcd":
        slot.request(name)
    slot.turn()
    assert slot.batches() == [["a"]]
    first.finish(RESULT)
    assert slot.batches() == [["a"], ["b", "c"]], "at once, before the loop turns"
    assert slot.waiting() == ["d"]


def test_each_request_hears_its_own_result(slot: SmallSlot) -> None:
    batch, _ = slot.running("a", "b")
    batch.finish((0, "one", 0.1), (1, "two", 0.2))
    assert slot.heard == {"a": [(0, "one", 0.1)], "b": [(1, "two", 0.2)]}
    sizes = slot.dispatcher.batch_sizes
    assert (sizes.batches, sizes.last, slot.supervisor.restarts.deaths) == (1, 2, 0)


def test_what_must_run_alone_is_next_and_by_itself_unless_it_is_cancelled(slot: SmallSlot) -> None:
    batch, (_, unwanted) = slot.running("a", "b")
    slot.request("c")
    unwanted.is_cancelled = True
    batch.finish(RunAlone(), RunAlone())
    slot.turn()
    assert slot.batches() == [["a", "b"], ["a"]]
    assert slot.waiting() == ["c"]
    assert isinstance(slot.heard["b"][0], Ignore)
    assert slot.dispatcher.batch_sizes.batches == 0, "nothing was run"


def test_while_the_model_is_paused_what_runs_ends_and_what_waits_goes_back_in_order(slot: SmallSlot) -> None:
    batch, _ = slot.running("a", "b")
    for name in "cd":
        slot.request(name)
    slot.dispatcher.pause(True)
    slot.request("e")
    slot.turn()
    assert slot.order == ["d", "c", "e"], "the last first: each goes to the front"
    assert all(isinstance(slot.heard[name][0], Reject) for name in "cde")
    batch.finish(RESULT, RESULT)
    slot.turn()
    assert slot.batches() == [["a", "b"]]
    slot.dispatcher.pause(False)
    slot.request("f")
    slot.turn()
    assert slot.batches() == [["a", "b"], ["f"]]


def test_what_the_child_may_not_begin_goes_back_with_all_that_waits_behind_it(slot: SmallSlot) -> None:
    batch, _ = slot.running("a", "b")
    slot.request("c")
    batch.finish(RESULT, GivenBack())
    slot.turn()
    assert slot.order == ["a", "c", "b"]
    assert [isinstance(slot.heard[name][0], Reject) for name in "bc"] == [True, True]
    assert slot.dispatcher.is_paused
    assert slot.dispatcher.batch_sizes.members == 1


def test_a_lazy_slots_model_is_not_loaded_while_it_is_paused(slot: SmallSlot) -> None:
    slot.supervisor.state = State.UNLOADED
    slot.dispatcher.pause(True)
    slot.request("a")
    slot.turn()
    assert slot.child.handed == []


def test_a_request_with_a_limit_of_its_own_shares_no_batch_and_the_batch_has_the_models_time(slot: SmallSlot) -> None:
    slot.request("a", limit=LIMIT)
    slot.request("b")
    slot.request("c")
    slot.turn()
    slot.child.handed[0].finish(RESULT)
    assert slot.batches() == [["a"], ["b", "c"]]
    assert [handed.timeout for handed in slot.child.handed] == [20.0, 20.0]


def test_a_part_of_a_job_has_no_limit_of_its_own_whatever_its_message_says(slot: SmallSlot) -> None:
    part = slot.request("a", limit=LIMIT, job="job", part=1)
    slot.request("b")
    slot.turn()
    assert slot.batches() == [["a", "b"]]
    assert part.limit is None


def test_a_model_that_is_not_loaded_is_loaded_before_the_batch_and_on_no_time_of_the_batch(slot: SmallSlot) -> None:
    slot.supervisor.state = State.UNLOADED
    slot.request("a")
    slot.turn()
    load = slot.child.handed[0]
    assert (load.func, load.what, load.timeout) == (run_operation, Operation.LOAD, None)
    assert (slot.dispatcher.operation, slot.dispatcher.batch) == (Operation.LOAD, None)
    load.begin()
    assert slot.dispatcher.busy_since is None
    slot.supervisor.state = State.READY
    load.callback(None)
    slot.turn()
    assert slot.batches() == [["a"]]


def test_an_operation_is_for_the_idle_child_alone_and_its_answer_is_heard(slot: SmallSlot) -> None:
    answers: list[object] = []
    batch, _ = slot.running("a")
    assert not slot.dispatcher.run_operation(Operation.TIDY, answers.append)
    batch.finish(RESULT)
    assert slot.dispatcher.run_operation(Operation.TIDY, answers.append)
    assert slot.child.handed[-1].timeout is not None
    slot.request("b")
    slot.turn()
    assert slot.batches() == [["a"]], "what comes meanwhile waits"
    slot.child.handed[-1].callback(7.5)
    slot.turn()
    assert (answers, slot.batches()) == ([7.5], [["a"], ["b"]])


def test_a_closed_gate_gives_back_what_waits_in_order_and_lets_the_batch_end(slot: SmallSlot) -> None:
    batch, _ = slot.running("a")
    for name in "bc":
        slot.request(name)
    slot.dispatcher.shut("the model fails everything")
    assert slot.order == ["c", "b"], "the first goes back last, and so to the front"
    assert [(type(one), one.requeue) for one in slot.heard["b"]] == [(Reject, True)]
    assert not slot.dispatcher.is_ready
    batch.finish(RESULT)
    assert slot.heard["a"] == [RESULT]
    slot.request("d")
    slot.turn()
    assert slot.batches() == [["a"]]
    slot.dispatcher.open()
    slot.turn()
    assert slot.batches() == [["a"], ["d"]]


def test_a_child_that_is_replaced_ends_its_batch_first_and_gets_no_other(slot: SmallSlot) -> None:
    batch, _ = slot.running("a")
    slot.request("b")
    slot.dispatcher.replace_child()
    assert slot.child.kills == []
    batch.finish(RESULT)
    assert slot.child.kills == [True], "planned: it runs nothing"
    assert slot.batches() == [["a"]]


def test_the_death_of_a_child_that_is_replaced_after_its_batch_does_not_count(slot: SmallSlot) -> None:
    batch, _ = slot.running("a")
    slot.dispatcher.replace_child()
    batch.finish(RESULT)
    slot.supervisor.restarts.died()
    assert slot.supervisor.restarts.deaths == 0


def test_a_child_that_has_grown_beyond_its_limit_is_replaced_after_its_batch(
    own_environment: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    slot = SmallSlot(table="recycle_rss_gb = 1")
    recycling = slot.supervisor.recycling
    recycling.started()
    recycling.ready(GB // 2)
    batch, _ = slot.running("a")
    recycling.used(GB)
    batch.finish(RESULT)
    assert slot.child.kills == [], "no more than its limit"
    batch, _ = slot.running("b")
    slot.request("c")
    recycling.used(2 * GB)
    batch.finish(RESULT)
    assert (slot.child.kills, slot.heard["b"]) == ([True], [RESULT])
    assert isinstance(slot.heard["c"][0], Reject), "given back, and not sent to a dying child"
    assert not slot.dispatcher.is_ready
    assert "is replaced: it used 2.00 GB after 2 batches, more than recycle_rss_gb = 1" in caplog.text
    slot.supervisor.ended(-9)
    assert slot.supervisor.restarts.deaths == 0
    assert "died" not in caplog.text
    slot.loop.close()


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
    assert slot.child.handed == []
    assert slot.waiting() == ["a"]


def test_what_celerys_pool_does_not_take_waits_again_in_its_order(slot: SmallSlot) -> None:
    slot.child.takes = False
    for name in "abc":
        slot.request(name)
    slot.turn()
    assert slot.waiting() == ["a", "b", "c"]
    assert slot.dispatcher.running is None


def test_a_slot_is_idle_since_its_last_batch_or_its_load(slot: SmallSlot) -> None:
    slot.supervisor.ready_at = 0.0
    since_load = slot.dispatcher.idle_s
    batch, _ = slot.running("a")
    assert slot.dispatcher.idle_s is None
    assert slot.dispatcher.busy_since == 10.0
    batch.finish(RESULT)
    since_batch = slot.dispatcher.idle_s
    assert since_load is not None
    assert since_batch is not None
    assert since_batch < since_load
