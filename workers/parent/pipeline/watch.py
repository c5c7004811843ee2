"""Looks at the page while anything is in flight: what has begun, what takes too long, what did not stop when told.

It accepts what has begun (Celery's «started»), keeps the time limit of each run, of each sender's request and of the
sidecar's stages, and kills by force a run whose requests are all cancelled. Guarantee: it goes on after a lost
connection, with which Celery cancels all timers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workers.parent.dispatcher import Dispatcher
from workers.parent.losses import Losses
from workers.parent.pipeline.flight import Flight
from workers.parent.pipeline.hand_over import HandOver
from workers.parent.pipeline.pipeline import Pipeline
from workers.parent.pipeline.stages import SlowStage, slow_stage
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.wire.page import Running

FIRST_LOOK_S = 0.02
"""How soon after a hand-over to an idle pipeline it looks: what has begun is then shown as started."""

LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Limits:
    """What the watch keeps, in seconds: `of_run` by the number of its inputs."""

    of_run: Callable[[int], float]
    run_named: str
    stage_s: float
    grace_s: float


class Watch:
    """Its look is a timer of the event loop; a test, and the drain at the worker's end, call `look` itself."""

    def __init__(
        self,
        flight: Flight,
        dispatcher: Dispatcher,
        losses: Losses,
        supervisor: Supervisor,
        hand_over: HandOver,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flight = flight
        self._dispatcher = dispatcher
        self._losses = losses
        self._supervisor = supervisor
        self._hand_over = hand_over
        self._limits = limits
        self._clock = clock
        self._timer: Any = None
        self._due_at = math.inf
        self._not_before = 0.0
        """Stages are not measured from earlier than this."""
        dispatcher.handed_over = self.wake

    def wake(self) -> None:
        """Something was handed over."""
        self._within(FIRST_LOOK_S)

    def listen(self) -> None:
        """Look again in any case: the event loop was reset, and has forgotten its timers.

        It may have stood still while Redis was away, for which no stage is at fault.
        """
        self._due_at, self._not_before = math.inf, self._clock()
        self._within(FIRST_LOOK_S)
        for pipeline in self._flight.pipelines:
            if pipeline.is_closed and not pipeline.is_over:
                self._losses.sidecar_ended(pipeline)  # that its child is killed is a timer, too

    def stop(self) -> None:
        """No further look by a timer: the event loop does not turn any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due_at = None, -math.inf

    def look(self) -> None:
        """Look once."""
        now = self._clock()
        if self._supervisor.is_loading or self._supervisor.variants.current:
            self._not_before = now  # a load has its own limit, and a stage may wait for it
        for pipeline in list(self._flight.pipelines):
            if pipeline.is_at_work:
                pipeline.moved_at = now
            if (found := pipeline.running()) is not None:
                self._look_at_run(pipeline, *found, now)
            self._look_at_stages(pipeline, now)
        self._dispatcher.pump()

    def slow_stage(self) -> SlowStage | None:
        """The stage that works on one thing for the longest time; None while all are short."""
        now = self._clock()
        found = [slow_stage(pipeline, self._not_before, now) for pipeline in self._flight.pipelines]
        slow = [one for one in found if one and one.seconds > self._limits.stage_s / 3]
        return max(slow, key=lambda one: one.seconds, default=None)

    def _look_at_run(self, pipeline: Pipeline, run: Running, requests: list[SlotRequest], now: float) -> None:
        for request in requests:
            request.accept(pipeline.pid, run.begun_at)
        if pipeline is not self._flight.current:
            return  # its child is dead
        took_s = now - run.begun_at
        if self._hand_over.computes(took_s, len(run.calls)):
            self._dispatcher.say_takes()
        if took_s > self._limits.of_run(len(run.calls)):
            self._losses.out_of_time(pipeline, f"killed after {self._limits.run_named}")
            return
        for request in requests:
            if request.limit is not None and took_s > request.limit.seconds:
                self._losses.over_limit(pipeline, pipeline.batches[run.batch], request, now)
        if requests and all(one.is_cancelled or one.is_over_limit for one in requests):
            self._stop_by_force(pipeline, run, requests, now)

    def _stop_by_force(self, pipeline: Pipeline, run: Running, requests: list[SlotRequest], now: float) -> None:
        grace_s = self._limits.grace_s
        if now - max(run.begun_at, *(one.told_at for one in requests)) < grace_s:
            return
        who = f"{len(requests)} cancelled requests"
        if requests[0].is_over_limit:
            who = requests[0].call.task_id
        self._losses.stop_running(pipeline, run.number, f"{who} did not stop within {grace_s:g} s")

    def _look_at_stages(self, pipeline: Pipeline, now: float) -> None:
        found = slow_stage(pipeline, self._not_before, now)
        if found is not None and found.seconds > self._limits.stage_s:
            words = f"{found.words} took longer than SLOTLINE_STAGE_LIMIT_S = {self._limits.stage_s:g}"
            self._losses.stage_is_stuck(pipeline, words)

    def _within(self, seconds: float) -> None:
        due_at = self._clock() + seconds
        if self._due_at == -math.inf or self._due_at <= due_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due_at = due_at
        self._timer = self._supervisor.loop.call_later(seconds, self._look_on_time)

    def _look_on_time(self) -> None:
        self._due_at = math.inf
        self.look()
        if any(pipeline.is_waited_for for pipeline in self._flight.pipelines):
            self._within(self._next_s())

    def _next_s(self) -> float:
        """Until the next look: earlier if a sender's limit is over before."""
        found = [LOOK_EVERY_S]
        for pipeline in self._flight.pipelines:
            if (running := pipeline.running()) is not None:
                run, requests = running
                at = [run.begun_at + one.limit.seconds for one in requests if one.limit and not one.is_over_limit]
                found += [max(0.001, one - self._clock()) for one in at]
        return min(found)
