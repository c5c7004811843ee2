"""Sends pending requests to the slot's one child as batches, and between batches the operations load, unload, tidy.

One run at a time. Knows nothing of the ledger or the store; `losses.py` handles runs that do not end normally.
Guarantees:

- nothing is sent to a child whose model is not ready, nor while the gate is closed or the model is paused;
- a request that was never sent ends by `Reject(requeue=True)`: its message returns to the queue and never fails;
- each request of a batch that has ended gets its own result.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from billiard.einfo import ExceptionInfo
from celery.exceptions import Ignore, Reject

from workers.parent.child import Child
from workers.parent.pending import BatchSizes, Pending
from workers.parent.runs import Batch, OperationRun, Run
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.wire.call import GivenBack, NotRun, RunAlone, TraceResult
from workers.wire.child_entry import ChildEntry
from workers.wire.messages import Operation
from workers.wire.spec import SlotSpec
from workers.wire.state import State

logger = logging.getLogger(__name__)

PAUSED = "the model is paused"


class Dispatcher:
    """The pending requests and the current run. `child` is None before the pool starts and after it has stopped."""

    def __init__(
        self,
        spec: SlotSpec,
        entry: ChildEntry,
        supervisor: Supervisor,
        child: Callable[[], Child | None],
        lost: Callable[[Run, ExceptionInfo], None],
        over_limit: Callable[[Batch, SlotRequest], None],
        max_delay_s: float = 0.0,
    ) -> None:
        self.child = child
        self.pending = Pending(spec.batch_size, max_delay_s)
        self.running: Run | None = None
        self.batch_sizes = BatchSizes()
        self.done_at: float | None = None
        """When the last batch ended, by the monotonic clock."""
        self.closed = ""
        """Why nothing is sent although the model is loaded; empty while the gate is open."""
        self.is_paused = False
        """Whether a person has paused the model, as far as this worker knows; Redis decides."""
        self._spec = spec
        self._entry = entry
        self._supervisor = supervisor
        self._loop = supervisor.loop
        self._lost = lost
        self._over_limit = over_limit
        self._pump_is_due = False
        self._replacement_is_due = False
        self._is_being_replaced = False
        self._is_stopping = False

    @property
    def child_is_alive(self) -> bool:
        """Whether there is a child process."""
        child = self.child()
        return child is not None and child.has_child

    @property
    def is_ready(self) -> bool:
        """Whether the child lives and takes runs (its model may have to be loaded first), and the gate is open."""
        return self._supervisor.stands_by and self.child_is_alive and not self.closed and not self._is_being_replaced

    @property
    def batch(self) -> Batch | None:
        """The batch that was sent and has not ended; None also while an operation runs."""
        return self.running if isinstance(self.running, Batch) else None

    @property
    def operation(self) -> Operation | None:
        """The operation that the child runs now; None if it runs none."""
        return self.running.operation if isinstance(self.running, OperationRun) else None

    @property
    def busy_since(self) -> float | None:
        """When the running batch began, by the monotonic clock; None without a batch, also while an operation runs."""
        return self.batch.began_at if self.batch else None

    @property
    def idle_s(self) -> float | None:
        """How long the loaded model has been idle; None if it is not idle, or not loaded."""
        if self.running is not None or self.pending or self._supervisor.state is not State.READY:
            return None
        return time.monotonic() - max(self.done_at or 0.0, self._supervisor.ready_at)

    def join(self, request: SlotRequest) -> None:
        """Add a pending request. One with a time limit of its own runs alone: the limit is not that of others.

        A part of a job has none, whatever its message says.
        """
        if request.limit is not None and request.is_part:
            request.limit = None
        request.runs_alone = request.limit is not None
        self.pending.join(request, time.monotonic())
        if self.is_paused:
            self.give_back_pending(PAUSED)
        self.pump_soon()

    def run_operation(self, operation: Operation, done: Callable[[Any], None] = lambda answer: None) -> bool:
        """Let the idle child run an operation; new requests wait in this time; `done` gets the child's answer.

        False if the child is not idle, or takes no runs.
        """
        if self.idle_s is None or not self.is_ready or self._is_stopping:
            return False
        return self._hand_over_operation(operation, self._spec.entry.load_limit_s, done)

    def shut(self, reason: str) -> None:
        """Close the gate: pending requests are given back, the running batch goes on."""
        self.closed = reason
        self.give_back_pending(reason)

    def open(self) -> None:
        """Open the gate."""
        self.closed, self._is_being_replaced = "", False
        self.pump_soon()

    def pause(self, is_paused: bool) -> None:
        """The model is paused (or is not any more): pending requests are given back, the running batch goes on."""
        if is_paused != self.is_paused:
            self.is_paused = is_paused
            name = self._spec.entry.name
            logger.info("%s is paused: nothing new begins" if is_paused else "%s is resumed", name)
        if is_paused:
            self.give_back_pending(PAUSED)
        elif self.pending:
            self.pump_soon()

    def stop(self, reason: str) -> None:
        """The worker stops: nothing more is sent, and pending requests are given back."""
        self._is_stopping = True
        self.give_back_pending(reason)

    def replace_child(self) -> None:
        """Kill the child after the running batch; a new child loads the model again."""
        self._replacement_is_due = True
        self._replace_if_idle()

    def pump_soon(self) -> None:
        """Send the next batch before the loop sleeps, together with all messages that arrive until then."""
        # The loop's timers receive messages; `call_soon` runs after them.
        if not self._pump_is_due:
            self._pump_is_due = True
            self._loop.call_soon(self._pump)
            self._loop.call_later(0, self._pump)  # a lost connection removes this timer, but not the callback above

    def ended(self, run: Run) -> None:
        """The run has ended, normally or not; the next one may begin."""
        if self.running is run:
            self.running = None
        self._replace_if_idle()
        self.pump_soon()

    def give_back_pending(self, why: str) -> None:
        """Give all pending requests back, the last one first, so that their order stays the same."""
        while self.pending:
            self.pending.pop_last().fail(Reject(why, requeue=True))

    def _pump(self) -> None:
        is_due, self._pump_is_due = self._pump_is_due, False
        if not is_due or self.running is not None or self._is_stopping or not (self.pending and self.is_ready):
            return
        if self.is_paused:
            return
        if self._supervisor.must_load:
            self._hand_over_operation(Operation.LOAD, None)  # the supervisor ends a load that takes too long
            return
        if (wait_s := self.pending.wait_s(time.monotonic())) > 0:
            self._loop.call_later(wait_s, self.pump_soon)
        elif requests := self.pending.next_batch():
            self._hand_over(Batch(requests=requests))

    def _hand_over(self, batch: Batch) -> None:
        limit_s = self._spec.limit_s(len(batch.requests))
        calls = [request.call for request in batch.requests]

        def done(results: list[TraceResult | NotRun]) -> None:
            self._finished(batch, results)

        if not self._begin(batch, self._entry.run_batch, calls, done, limit_s):
            self.pending.put_back(batch.requests)

    def _hand_over_operation(
        self, operation: Operation, limit_s: float | None, done: Callable[[Any], None] = lambda answer: None
    ) -> bool:
        run = OperationRun(operation=operation)

        def ended(answer: Any) -> None:
            self._supervisor.catch_up()  # the child has sent its state before this answer, over the link
            self.ended(run)
            done(answer)

        return self._begin(run, self._entry.run_operation, operation, ended, limit_s)

    def _begin(
        self, run: Run, func: Callable[[Any], Any], what: Any, done: Callable[[Any], None], limit_s: float | None
    ) -> bool:
        """Send a run to the child; False if Celery's pool takes no calls any more."""
        child = self.child()
        if child is None:
            return False
        self.running = run
        run.result = child.apply_async(
            func,
            (what,),
            callback=done,
            error_callback=lambda einfo: self._lost(run, einfo),
            accept_callback=lambda pid, accepted: self._accepted(run, pid, accepted),
            timeout=limit_s,
        )
        if run.result is None:
            self.running = None
        return run.result is not None

    def _accepted(self, run: Run, pid: int, accepted: float) -> None:
        run.began_at = accepted
        for request in run.requests:
            request.accept(pid, accepted)
            if request.limit is not None and isinstance(run, Batch):
                self._loop.call_later(request.limit.seconds, self._over_limit, run, request)

    def _finished(self, batch: Batch, results: list[TraceResult | NotRun]) -> None:
        self.done_at = time.monotonic()
        self._recycle_if_due()
        goes_on = not self._replacement_is_due
        pairs = list(zip(batch.requests, results, strict=True))
        ran = [(request, result) for request, result in pairs if not isinstance(result, NotRun)]
        if ran:
            # Before the child may be replaced, because this forgets the deaths that are expected.
            self._supervisor.restarts.worked()
            self.batch_sizes.count(len(ran))
        self.ended(batch)
        if goes_on and len(ran) == len(results):
            self._pump()  # before the callbacks, which take longer than a small batch
        for request, result in ran:
            request.succeed(result)
        self._run_alone([request for request, result in pairs if isinstance(result, RunAlone)])
        self._give_back([request for request, result in pairs if isinstance(result, GivenBack)])

    def _run_alone(self, requests: Sequence[SlotRequest]) -> None:
        """These requests are sent next, each in a batch of its own, with its own time limit."""
        for request in requests:
            request.runs_alone = True
            if request.is_cancelled:
                request.fail(Ignore("cancelled"))
        self.pending.put_back([request for request in requests if not request.is_cancelled])
        if self._is_stopping or not self.is_ready or self.is_paused:
            self.give_back_pending("the slot takes no more messages")

    def _give_back(self, requests: Sequence[SlotRequest]) -> None:
        """The child has found in Redis that the model is paused: these requests have not begun."""
        if requests:
            self.pause(True)
        for request in reversed(requests):
            request.fail(Reject(PAUSED, requeue=True))

    def _recycle_if_due(self) -> None:
        """After a batch: a child that has grown too large is replaced as soon as it runs nothing."""
        recycling = self._supervisor.recycling
        if recycling.limit_gb is None or self._is_stopping:
            return
        self._supervisor.catch_up()  # the child has sent how much it uses before this batch's results, over the link
        if recycling.is_due:
            logger.info("the child of %s is replaced: %s", self._spec.worker, recycling.begin())
            self._replacement_is_due = True

    def _replace_if_idle(self) -> None:
        child = self.child()
        if self._replacement_is_due and self.running is None and child is not None:
            self._replacement_is_due = False
            self._is_being_replaced = True
            self._supervisor.restarts.expect_death()
            child.kill(is_planned=True)
