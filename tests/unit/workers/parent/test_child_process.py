"""Celery's pool of one real process: its lines, what it serves, and how it is replaced. The child runs no model."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu.asynchronous import Hub, get_event_loop, set_event_loop

from tasks.catalog import parse
from tests.fixtures.waiting import WaitUntil
from workers.parent.child_process import ChildPool
from workers.parent.pipeline.flight import Flight
from workers.parent.supervisor import Supervisor
from workers.wire.batches import CallsEnded, RunBatch
from workers.wire.call import Call
from workers.wire.child_entry import ChildEnds, ChildEntry
from workers.wire.messages import StandsBy
from workers.wire.socket_end import LinkClosed
from workers.wire.spec import SlotSpec

_ends: list[ChildEnds] = []


def begin(ends: ChildEnds, spec: SlotSpec, refused: frozenset[str], app: Any, hostname: str) -> None:
    """The child's part: it serves at once."""
    ends.parents_link.close()
    ends.parents_line.close()
    _ends.append(ends)
    ends.page.sidecar_began(os.getpid())
    ends.link.send(StandsBy())


def serve() -> None:
    """The child's part, which is its own sidecar: each request's id and the process that it ran in."""
    (ends,) = _ends
    try:
        while True:
            batch = ends.sidecars_line.receive()
            assert isinstance(batch, RunBatch)
            if batch.calls[0].task_id == "raise":
                raise RuntimeError("it fails outside its runs")
            results = [(index, (0, (call.task_id, os.getpid()), 0.0)) for index, call in enumerate(batch.calls)]
            ends.sidecars_line.send(CallsEnded(batch.number, results))
    except LinkClosed:
        os._exit(1)


class OnePool:
    """A pool on an event loop of its own; `turn` lets both go on."""

    def __init__(self) -> None:
        entry = parse('[models.m]\nadapter = "rehearsal"', "here", Path())["m"]
        self.loop = Hub()
        set_event_loop(self.loop)
        self.supervisor = Supervisor(SlotSpec(entry, "cpu", "m-cpu-0@here", 1, 3), self.loop, self._start_again)
        self.pool: Any = None
        self.flight = Flight(self.loop, lambda: self.pool)
        self.answers: list[Any] = []
        self.died: list[str] = []
        self.flight.hear = self._hear
        self.pool = ChildPool(
            1,
            supervisor=self.supervisor,
            entry=ChildEntry(begin, serve),
            flight=self.flight,
            drain=lambda: None,
            initargs=(None, "m-cpu-0@here"),
            threads=False,
            proc_alive_timeout=30.0,
            max_restarts=100,
        )
        self.pool.register_with_event_loop(self.loop)
        self._turns = self.loop.create_loop()

    def _hear(self, pipeline: Any) -> None:
        self.answers += pipeline.read()
        if pipeline.is_closed and pipeline.fileno() >= 0:
            self.flight.hang_up(pipeline)
        if pipeline.is_over:
            self.died.append(pipeline.ended_how)
            self.flight.forget(pipeline)

    def _start_again(self) -> None:
        self.pool.maintain_pool()

    @property
    def pid(self) -> int:
        """The child's process."""
        return int(self.pool._pool[0].pid) if self.pool._pool else 0

    def send(self, *names: str) -> None:
        """Hand requests of these ids over."""
        assert self.flight.current is not None
        requests: Any = [_Request(name) for name in names]
        assert self.flight.current.send(requests, time.monotonic(), is_alone=False)

    def turn(self) -> None:
        """One turn of the event loop, which waits for no more than a moment."""
        self.loop.call_later(0.01, lambda: None)
        next(self._turns)

    def close(self) -> None:
        """End the child, whatever it runs."""
        self.pool.kill(is_planned=True)
        self.pool.terminate()
        self.pool.join()
        for pipeline in list(self.flight.pipelines):
            self.flight.forget(pipeline)
        self.supervisor.ended(0, is_stopping=True)
        self.loop.close()


class _Request:
    """A request, as far as a pipeline reads it."""

    def __init__(self, name: str) -> None:
        self.call = Call("task", name, {}, b"", "", "")


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


def test_the_child_serves_what_comes_over_its_line(one: OnePool, wait_until: WaitUntil) -> None:
    one.send("a", "b")
    one.send("c")
    _until(one, wait_until, lambda: len(one.answers) == 2)
    assert one.pid != os.getpid()
    assert one.answers[0] == CallsEnded(1, [(0, (0, ("a", one.pid), 0.0)), (1, (0, ("b", one.pid), 0.0))])
    assert one.answers[1].number == 2


def test_a_child_that_dies_is_replaced_by_one_with_lines_of_its_own(one: OnePool, wait_until: WaitUntil) -> None:
    before = one.pid
    one.pool.kill()
    _until(one, wait_until, lambda: one.died and one.pid not in (0, before) and one.supervisor.stands_by)
    assert one.died == ["signal 9 (SIGKILL)"]
    assert one.supervisor.restarts.failed_loads + one.supervisor.restarts.deaths == 1
    one.send("a")
    _until(one, wait_until, lambda: one.answers)
    assert one.answers[0].results[0][1][1] == ("a", one.pid), "and it serves"


def test_a_child_that_dies_before_it_serves_costs_the_next_one_nothing(one: OnePool, wait_until: WaitUntil) -> None:
    """What it had to serve is not given to the next one as well."""
    before = one.pid
    os.kill(before, signal.SIGSTOP)
    one.pool.kill()
    _until(one, wait_until, lambda: one.pid not in (0, before) and one.supervisor.stands_by)
    # Its own call may wait a moment to be written; that of the dead one would wait for ever, since one runs already.
    _until(one, wait_until, lambda: len(one.pool._cache) == 1 and not one.pool.outbound_buffer)


def test_a_child_that_fails_outside_its_runs_is_killed(
    one: OnePool, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    before = one.pid
    one.send("raise")
    _until(one, wait_until, lambda: one.pid not in (0, before) and one.supervisor.stands_by)
    assert "failed outside its runs, and is replaced: RuntimeError('it fails outside its runs')" in caplog.text


def test_the_sidecar_is_killed_by_the_pid_on_the_page(one: OnePool, wait_until: WaitUntil) -> None:
    before = one.pid  # it is its own sidecar here
    (pipeline,) = one.flight.pipelines
    pipeline.kill_sidecar()
    _until(one, wait_until, lambda: one.pid not in (0, before))


def test_no_child_is_started_while_the_supervisor_forbids_it(one: OnePool, wait_until: WaitUntil) -> None:
    one.supervisor.stands_by = False  # so that its death counts as a failed load, after which there is a pause
    one.pool.kill()
    _until(one, wait_until, lambda: not one.pool.has_child and one.supervisor.restarts.failed_loads)
    assert not one.supervisor.may_start
    one.pool.maintain_pool()
    assert not one.pool.has_child
    _until(one, wait_until, lambda: one.pool.has_child and one.supervisor.stands_by)
