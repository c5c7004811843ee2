"""Hears how the requests in flight ended, and passes it to Celery: results, what runs alone, what is given back.

Guarantees: each request gets its own result, in the order of the sidecar's answers; the next batch is handed over
before Celery's callbacks, which take longer than a small batch; a batch that failed as a whole is reported first.
"""

from __future__ import annotations

import time
from collections import deque

from workers.parent.dispatcher import Dispatcher
from workers.parent.losses import Losses
from workers.parent.pipeline.flight import Flight
from workers.parent.pipeline.hand_over import HandOver
from workers.parent.pipeline.pipeline import Pipeline, Returned
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.wire.batches import AdapterStats, CallsEnded, FromSidecar, ModelRan, Recalled
from workers.wire.call import GivenBack, Lost, RunAlone, TraceResult


class Answers:
    """Everything that a sidecar says, and that its line is closed."""

    def __init__(
        self, flight: Flight, dispatcher: Dispatcher, losses: Losses, supervisor: Supervisor, hand_over: HandOver
    ) -> None:
        self._flight = flight
        self._dispatcher = dispatcher
        self._losses = losses
        self._supervisor = supervisor
        self._hand_over = hand_over
        self._batch_size = supervisor.spec.batch_size
        flight.hear = self.hear

    def hear(self, pipeline: Pipeline) -> None:
        """Read what has arrived, and act on it."""
        was_closed = pipeline.is_closed
        ran: deque[tuple[SlotRequest, TraceResult]] = deque()
        alone: list[SlotRequest] = []
        messages = pipeline.read()
        for message in messages:
            self._take(pipeline, message, ran, alone)
        if pipeline.is_closed and not was_closed:
            self._flight.hang_up(pipeline)
            self._losses.sidecar_ended(pipeline)
        if not messages and not pipeline.is_over:
            return
        if ran:
            self._worked()
        self._dispatcher.run_alone(alone)
        self._give_back(pipeline, messages)
        self._dispatcher.moved()
        for request, result in ran:
            request.accept(pipeline.pid, time.monotonic() - (result[2] or 0.0))
            request.succeed(result)

    def _take(
        self,
        pipeline: Pipeline,
        message: FromSidecar,
        ran: deque[tuple[SlotRequest, TraceResult]],
        alone: list[SlotRequest],
    ) -> None:
        match message:
            case CallsEnded():
                self._ended(pipeline, message, ran, alone)
            case Recalled():
                pipeline.recalled(message)
            case ModelRan(failed, worked):
                self._supervisor.listener.ran(failed, worked)
            case AdapterStats():
                pass  # it came too late for who asked

    def _ended(
        self,
        pipeline: Pipeline,
        message: CallsEnded,
        ran: deque[tuple[SlotRequest, TraceResult]],
        alone: list[SlotRequest],
    ) -> None:
        if self._hand_over.computed(message.computed_s, message.computed):
            self._dispatcher.say_takes()
        before = len(ran)
        for call, request, result in pipeline.answered(message, time.monotonic()):
            match result:
                case RunAlone():
                    alone.append(request)
                case tuple():
                    ran.append((request, result))
                case _:
                    pipeline.returned.append(Returned(message.number, call, request, result))
        self._dispatcher.batch_sizes.count(len(ran) - before, self._batch_size)

    def _worked(self) -> None:
        """Before the child may be replaced, because this forgets the deaths that are expected."""
        self._dispatcher.done_at = time.monotonic()
        self._supervisor.restarts.worked()
        self._dispatcher.recycle_if_due()

    def _give_back(self, pipeline: Pipeline, messages: list[FromSidecar]) -> None:
        if pipeline.is_over:
            self._losses.over(pipeline)
            self._flight.forget(pipeline)
            return
        if any(isinstance(one.why, GivenBack) for one in pipeline.returned):
            self._dispatcher.pause(True)
        was_recalled = any(isinstance(message, Recalled) for message in messages) and not pipeline.recalls
        is_paused = not pipeline.recalls and all(isinstance(one.why, GivenBack) for one in pipeline.returned)
        is_dying = pipeline.ended_how is not None or any(isinstance(one.why, Lost) for one in pipeline.returned)
        if not is_dying and (was_recalled or is_paused or not pipeline.batches):
            self._losses.give_back(pipeline)
