"""Hands pending requests over to the slot's sidecar in batches, and between them lets the child load, unload and tidy.

At most so many batches are in flight as the pipeline has stages. Knows nothing of the ledger or the store;
`pipeline/answers.py` hears how requests end, `losses.py` what does not end normally. Guarantees:

- nothing is handed over while the model is not ready, the gate is closed or the model is paused;
- a request that runs alone is handed over when nothing is in flight, and nothing after it until it has ended;
- a request that was never handed over ends by `Reject(requeue=True)`: its message returns to the queue, never fails.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from celery.exceptions import Ignore, Reject

from workers.parent.operations import Operations
from workers.parent.pending import BatchSizes, Pending
from workers.parent.pipeline.flight import Flight
from workers.parent.pipeline.hand_over import HandOver
from workers.parent.pipeline.pipeline import Pipeline
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.wire.messages import Operation
from workers.wire.spec import SlotSpec
from workers.wire.state import State

logger = logging.getLogger(__name__)

PAUSED = "the model is paused"


class Dispatcher:
    """The pending requests, and what is sent when. `depth` is how many batches may be in flight."""

    def __init__(
        self,
        spec: SlotSpec,
        supervisor: Supervisor,
        flight: Flight,
        hand_over: HandOver,
        depth: int,
        max_delay_s: float = 0.0,
    ) -> None:
        self.pending = Pending(spec.batch_size, max_delay_s)
        self.batch_sizes = BatchSizes()
        self.done_at: float | None = None
        """When a request last ended, by the monotonic clock."""
        self.closed = ""
        """Why nothing is sent although the model is loaded; empty while the gate is open."""
        self.is_paused = False
        """Whether a person has paused the model, as far as this worker knows; Redis decides."""
        self.handed_over: Callable[[], None] = lambda: None
        """Called when a batch was handed over."""
        self.depth = depth
        self._spec = spec
        self._supervisor = supervisor
        self._loop = supervisor.loop
        self._flight = flight
        self._hand_over = hand_over
        self._operations = Operations(supervisor, self._operation_failed, self.moved)
        self._pump_is_due = False
        self._replacement_is_due = False
        self._is_being_replaced = False
        self._is_stopping = False

    @property
    def is_ready(self) -> bool:
        """Whether the child lives and takes runs (its model may have to be loaded first), and the gate is open."""
        return self._supervisor.stands_by and self._flight.has_child and not self.closed and not self._is_being_replaced

    @property
    def operation(self) -> Operation | None:
        """The operation that the child runs now; None if it runs none."""
        return self._operations.running

    @property
    def in_flight(self) -> int:
        """How many requests were handed over and have not ended."""
        return self._flight.count

    @property
    def takes_at_once(self) -> int:
        """How many requests may be in flight."""
        return self.depth * self._hand_over.number

    @property
    def busy_since(self) -> float | None:
        """When the child's run began, by the monotonic clock, or the last thing happened to a batch; None: idle."""
        for pipeline in self._flight.pipelines:
            if pipeline.batches:
                found = pipeline.page.running()
                return found.begun_at if found else pipeline.moved_at
        return None

    @property
    def idle_s(self) -> float | None:
        """How long the loaded model has been idle; None if it is not idle, or not loaded."""
        if self.in_flight or self.operation or self.pending or self._supervisor.state is not State.READY:
            return None
        return time.monotonic() - max(self.done_at or 0.0, self._supervisor.ready_at)

    @property
    def takes(self) -> bool:
        """Whether requests may be handed over at all."""
        return self.is_ready and not (self._is_stopping or self.is_paused or self._replacement_is_due)

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
        return self._operations.run(operation, self._spec.entry.load_limit_s, done)

    def child_gone(self) -> None:
        """The child is dead: what is pending returns to the queue, where another worker may take it."""
        self._operations.child_gone()
        self.give_back_pending("the slot's child died")

    def shut(self, reason: str) -> None:
        """Close the gate: what has not begun is given back, what runs goes on."""
        self.closed = reason
        self.recall(reason)

    def open(self) -> None:
        """Open the gate."""
        self.closed, self._is_being_replaced = "", False
        self.pump_soon()

    def pause(self, is_paused: bool) -> None:
        """The model is paused (or is not any more): what has not begun is given back, what runs goes on."""
        if is_paused != self.is_paused:
            self.is_paused = is_paused
            name = self._spec.entry.name
            logger.info("%s is paused: nothing new begins" if is_paused else "%s is resumed", name)
            if is_paused:
                self.recall(PAUSED)
        if is_paused:
            self.give_back_pending(PAUSED)
        elif self.pending:
            self.pump_soon()

    def stop(self, reason: str) -> None:
        """The worker stops: nothing more is sent, and what has not begun is given back."""
        self._is_stopping = True
        self.recall(reason)

    def recall(self, why: str) -> None:
        """Give back what is pending, and ask the sidecar for what has not begun in the model."""
        self.give_back_pending(why)
        if (pipeline := self._flight.current) is not None:
            pipeline.recall()

    def replace_child(self) -> None:
        """Replace the child when nothing is in flight; the new one loads the model again."""
        self._replacement_is_due = True
        self.recall("the child is replaced")
        self._replace_if_idle()

    def say_takes(self) -> None:
        """The number of a hand-over has changed: a job's window follows it."""
        self._supervisor.listener.takes(self.takes_at_once)

    def recycle_if_due(self) -> None:
        """After a run: a child that has grown too large is replaced as soon as nothing is in flight."""
        recycling = self._supervisor.recycling
        if recycling.limit_gb is None or self._is_stopping:
            return
        self._supervisor.catch_up()  # the child has sent how much it uses before its results, over the link
        if recycling.is_due:
            logger.info("the child of %s is replaced: %s", self._spec.worker, recycling.begin())
            self.replace_child()

    def pump_soon(self) -> None:
        """Send the next batch before the loop sleeps, together with all messages that arrive until then."""
        # The loop's timers receive messages; `call_soon` runs after them.
        if not self._pump_is_due:
            self._pump_is_due = True
            self._loop.call_soon(self._pump_if_due)
            self._loop.call_later(0, self._pump_if_due)  # a lost connection removes this timer, but not the callback

    def moved(self) -> None:
        """Something has ended: what comes next may begin."""
        self._replace_if_idle()
        self.pump()

    def run_alone(self, requests: Sequence[SlotRequest]) -> None:
        """These requests are sent next, each in a batch of its own, with nothing else in flight."""
        for request in requests:
            request.runs_alone = True
            if request.is_cancelled:
                request.fail(Ignore("cancelled"))
        self.pending.put_back([request for request in requests if not request.is_cancelled])
        if requests and not self.takes:
            self.give_back_pending("the slot takes no more messages")

    def give_back_pending(self, why: str) -> None:
        """Give all pending requests back, the last one first, so that their order stays the same."""
        while self.pending:
            self.pending.pop_last().fail(Reject(why, requeue=True))

    def pump(self) -> None:
        """Hand over what may be handed over now."""
        while self.pending and self.takes and not self.operation and (pipeline := self._flight.current):
            if self._supervisor.must_load:
                if not pipeline.batches:
                    # The supervisor ends a load that takes too long.
                    self._operations.run(Operation.LOAD, None, lambda answer: None)
                return
            if not self._has_room(pipeline) or not (requests := self.pending.next_batch(self._hand_over.number)):
                return
            if not pipeline.send(requests, time.monotonic(), is_alone=requests[0].runs_alone):
                self.pending.put_back(requests)
                return
            self.handed_over()

    def _pump_if_due(self) -> None:
        is_due, self._pump_is_due = self._pump_is_due, False
        if is_due:
            self.pump()

    def _has_room(self, pipeline: Pipeline) -> bool:
        """Whether the next batch may be handed over now. Of one that is not full, more requests may still come."""
        in_flight = pipeline.batches.values()
        if pipeline.recalls or len(in_flight) >= self.depth or any(batch.is_alone for batch in in_flight):
            return False
        if self.pending.runs_alone:
            return not in_flight
        if self.pending.is_full:
            return True
        if pipeline.computes:
            return False  # what comes until it has computed runs together
        if (wait_s := self.pending.wait_s(time.monotonic())) > 0:
            self._loop.call_later(wait_s, self.pump_soon)
            return False
        return True

    def _operation_failed(self, why: str) -> None:
        logger.error("%s: %s; the child is killed", self._spec.worker, why)
        self._flight.kill(is_planned=False)

    def _replace_if_idle(self) -> None:
        if self._replacement_is_due and not self.in_flight and self._flight.child() is not None:
            self._replacement_is_due = False
            self._is_being_replaced = True
            self._supervisor.restarts.expect_death()
            self._flight.kill(is_planned=True, is_error=False)
