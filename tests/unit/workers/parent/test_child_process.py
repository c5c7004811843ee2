"""Celery's pool of one real process: its line, what it is given, and how it is replaced. The child runs no model."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kombu.asynchronous import Hub, get_event_loop, set_event_loop

from tasks.catalog import parse
from tests.fixtures.waiting import WaitUntil
from workers.parent.child_process import ChildPool
from workers.parent.supervisor import Supervisor
from workers.wire.call import Call, NotRun, TraceResult
from workers.wire.child_entry import ChildEntry
from workers.wire.link import ChildEnd, ParentEnd
from workers.wire.messages import Operation, StandsBy
from workers.wire.spec import SlotSpec

_ends: list[ChildEnd] = []


def begin(
    link: ChildEnd, parents_end: ParentEnd, spec: SlotSpec, refused: frozenset[str], app: Any, hostname: str
) -> None:
    """The child's part: it serves at once."""
    parents_end.close()
    _ends.append(link)
    link.send(StandsBy())


def run_batch(calls: Sequence[Call]) -> list[TraceResult | NotRun]:
    """The child's part: each request's id and the process that it ran in."""
    return [(0, (call.task_id, os.getpid()), 0.0) for call in calls]


def run_operation(operation: Operation) -> Any:
    """The child's part: it takes a moment."""
    time.sleep(0.2)
    return str(operation)


class OnePool:
    """A pool on an event loop of its own; `turn` lets both go on."""

    def __init__(self) -> None:
        entry = parse('[models.m]\nadapter = "rehearsal"', "here", Path())["m"]
        self.loop = Hub()
        set_event_loop(self.loop)
        self.supervisor = Supervisor(SlotSpec(entry, "cpu", "m-cpu-0@here", 1, 3), self.loop, self._start_again)
        self.pool: Any = ChildPool(
            1,
            supervisor=self.supervisor,
            entry=ChildEntry(begin, run_batch, run_operation),
            initargs=(None, "m-cpu-0@here"),
            threads=False,
            proc_alive_timeout=30.0,
            max_restarts=100,
        )
        self.pool.register_with_event_loop(self.loop)
        self._turns = self.loop.create_loop()

    def _start_again(self) -> None:
        self.pool.maintain_pool()

    @property
    def pid(self) -> int:
        """The child's process."""
        return int(self.pool._pool[0].pid) if self.pool._pool else 0

    def turn(self) -> None:
        """One turn of the event loop, which waits for no more than a moment."""
        self.loop.call_later(0.01, lambda: None)
        next(self._turns)

    def close(self) -> None:
        """End the child, whatever it runs."""
        self.pool.kill(is_planned=True)
        self.pool.terminate()
        self.pool.join()
        self.supervisor.ended(0, is_stopping=True)
        self.loop.close()


@pytest.fixture
def one(own_environment: None, wait_until: WaitUntil) -> Iterator[OnePool]:
    """A pool whose child serves."""
    before = get_event_loop()
    made = OnePool()
    try:
        # It serves, and Celery's pool knows that it is up.
        _until(made, wait_until, lambda: made.supervisor.stands_by and made.pool._all_inqueues)
        yield made
    finally:
        made.close()
        set_event_loop(before)


def _until(one: OnePool, wait_until: WaitUntil, predicate: Callable[[], Any]) -> None:
    def look() -> Any:
        one.turn()
        return predicate()

    wait_until(look, 20.0)


def hand_over(one: OnePool, func: Callable[[Any], Any], what: Any) -> dict[str, list[Any]]:
    """Give the child something, and collect what comes back."""
    heard: dict[str, list[Any]] = {"accepted": [], "result": [], "error": []}
    heard["handle"] = [
        one.pool.apply_async(
            func,
            (what,),
            callback=heard["result"].append,
            error_callback=heard["error"].append,
            accept_callback=lambda pid, accepted: heard["accepted"].append(pid),
        )
    ]
    return heard


def test_a_batch_runs_in_the_child_and_its_results_come_back(one: OnePool, wait_until: WaitUntil) -> None:
    calls = [Call("task", name, {}, b"", "", "") for name in "ab"]
    heard = hand_over(one, run_batch, calls)
    _until(one, wait_until, lambda: heard["result"])
    assert one.pid != os.getpid()
    assert heard["result"] == [[(0, ("a", one.pid), 0.0), (0, ("b", one.pid), 0.0)]]


def test_what_is_handed_over_is_sent_at_once_and_that_it_was_begun_is_heard_without_the_loop(one: OnePool) -> None:
    heard = hand_over(one, run_operation, Operation.TIDY)
    assert one.pool.is_sent(heard["handle"][0])
    one.pool.hear(lambda: bool(heard["accepted"]), 10.0)
    assert heard["accepted"] == [one.pid]
    assert heard["result"] == []


def test_what_lies_in_the_buffer_is_not_sent_and_can_be_taken_back(one: OnePool) -> None:
    first = hand_over(one, run_operation, Operation.TIDY)
    second = hand_over(one, run_operation, Operation.TIDY)
    (handle,) = second["handle"]
    assert one.pool.is_sent(first["handle"][0])
    assert not one.pool.is_sent(handle)
    one.pool.take_back(handle)
    assert handle not in one.pool.outbound_buffer


def test_a_child_that_dies_is_replaced_and_what_it_ran_is_lost(one: OnePool, wait_until: WaitUntil) -> None:
    before = one.pid
    heard = hand_over(one, run_operation, Operation.TIDY)
    one.pool.hear(lambda: bool(heard["accepted"]), 10.0)
    one.pool.kill()
    _until(one, wait_until, lambda: heard["error"] and one.pid not in (0, before) and one.supervisor.stands_by)
    assert one.supervisor.restarts.failed_loads + one.supervisor.restarts.deaths == 1


def test_no_child_is_started_while_the_supervisor_forbids_it(one: OnePool, wait_until: WaitUntil) -> None:
    one.supervisor.stands_by = False  # so that its death counts as a failed load, after which there is a pause
    one.pool.kill()
    _until(one, wait_until, lambda: not one.pool.has_child and one.supervisor.restarts.failed_loads)
    assert not one.supervisor.may_start
    one.pool.maintain_pool()
    assert not one.pool.has_child
    _until(one, wait_until, lambda: one.pool.has_child and one.supervisor.stands_by)
