"""A slot's two processes: what is computed, lost and recalled, and who ends with whom."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.exceptions import Ignore
from redis import Redis

from tasks.redis import keys
from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.child.rehearsals import call, entry
from tests.unit.workers.sidecar.slot import Slot, slot_of
from workers.wire.batches import CancelCalls
from workers.wire.call import Lost, NotBegun, RunAlone
from workers.wire.messages import CancelRequests


@pytest.fixture
def slot(broker: str) -> Iterator[Slot]:
    with slot_of(entry(options={"faults": True})) as running:
        yield running


def lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_is_handed_over_is_computed_stored_and_answered(slot: Slot, raw_redis: Redis) -> None:
    calls = [call(text) for text in ("one", "two", "three")]
    slot.send(1, *calls[:2])
    slot.send(2, calls[2])
    for failed, result, _ in slot.ended((1, 0), (1, 1), (2, 0)):
        assert not failed
        assert "'computed': True" in result
    assert not any(raw_redis.keys("slotline:hand:*"))


def test_when_the_child_dies_what_it_computed_is_lost_and_what_it_had_not_begun_costs_nothing(
    slot: Slot, raw_redis: Redis
) -> None:
    calls = [call(text) for text in ("one", "⚡hang", "three", "four")]
    slot.send(1, *calls[:3])
    slot.send(2, calls[3])
    slot.ended((1, 0))
    slot.wait_until_computing(1)
    slot.wait(lambda: raw_redis.exists(keys.attempts(calls[3].task_id)))
    slot.kill_child()
    slot.until_closed()
    assert [slot.answers[one] for one in ((1, 1), (1, 2), (2, 0))] == [Lost(), NotBegun(), NotBegun()]
    counted = [raw_redis.hget(keys.attempts(one.task_id), "0") for one in calls[1:]]
    assert counted == [b"1", b"0", b"0"]
    assert not lives(slot.page.sidecar_pid)


def test_what_is_recalled_comes_back_uncounted_and_what_runs_goes_on(slot: Slot, raw_redis: Redis) -> None:
    calls = [call(text) for text in ("⚡slow=1", "two", "three")]
    slot.send(1, *calls[:2])
    slot.send(2, calls[2])
    slot.wait_until_computing(1)
    slot.wait(lambda: raw_redis.exists(keys.attempts(calls[2].task_id)))
    slot.recall()
    assert slot.answers == {(1, 1): NotBegun(), (2, 0): NotBegun()}
    assert [raw_redis.hget(keys.attempts(one.task_id), "0") for one in calls[1:]] == [b"0", b"0"]
    slot.send(3, calls[1])
    ran, again = slot.ended((1, 0), (3, 0))
    assert (ran[0], again[0]) == (0, 0)


def test_what_had_an_attempt_is_run_alone_and_only_so(slot: Slot, raw_redis: Redis) -> None:
    suspect = call("suspect")
    raw_redis.hset(keys.attempts(suspect.task_id), "0", 1)
    slot.send(1, suspect, call("other"))
    alone, other = slot.ended((1, 0), (1, 1))
    assert (alone, other[0]) == (RunAlone(), 0)
    slot.send(2, suspect, is_alone=True)
    ((failed, result, _),) = slot.ended((2, 0))
    assert (failed, "'computed': True" in result) == (0, True)


def test_a_call_that_is_cancelled_before_its_run_is_not_computed(slot: Slot, raw_redis: Redis) -> None:
    slot.send(1, call("⚡slow=0.5"))
    slot.wait_until_computing(1)
    slot.send(2, call("⚡hang", "gone"))
    slot.line.send(CancelCalls(2, (0,)))
    slot.link.send(CancelRequests(2, (0,)))
    slot.line.send(CancelCalls(7, (0,)))
    (ran, dropped) = slot.ended((1, 0), (2, 0))
    assert ran[0] == 0
    assert (dropped[0], type(dropped[1].exception)) == (1, Ignore)


def test_the_child_ends_when_its_sidecar_has_died(slot: Slot, wait_until: WaitUntil) -> None:
    os.kill(slot.page.sidecar_pid, signal.SIGKILL)
    wait_until(lambda: not lives(slot.pid), 5, "the child to end")


def test_both_end_when_the_parent_has_died(slot: Slot, wait_until: WaitUntil) -> None:
    slot.line.close()
    slot.link.close()
    wait_until(lambda: not lives(slot.page.sidecar_pid) and not lives(slot.pid), 5, "both to be gone")


def test_a_child_that_computes_ends_at_once_and_as_its_sidecar_has_ended(slot: Slot, wait_until: WaitUntil) -> None:
    slot.send(1, call("⚡hang"))
    slot.wait_until_computing(1)
    os.kill(slot.page.sidecar_pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(slot.collect()) == -signal.SIGKILL
