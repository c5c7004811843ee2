"""What happens when a request does not end normally: its child or sidecar died, or it is given back or cancelled.

Hands nothing over; `dispatcher.py` does. Guarantees:

- when the child dies, or is killed for a time limit, each request that it computed gets `WorkerLostError`: Celery
  gives the message back (late acks, reject_on_worker_lost), and the attempt stays counted, with the reason;
- a request that it had not begun ends by `Reject(requeue=True)`, never fails, and costs no attempt;
- what a worker kills as planned (it stops, its lease is lost) costs no attempt;
- a request whose sender's time limit is over fails with that limit, once: at the adapter's next safe point, or with
  its child. It runs alone, so no other request is hit.

A run that exceeds its limit is handled as a dead child. Celery's `TimeLimitExceeded` would acknowledge a part that
is not settled. The sidecar counts attempts in Redis, so a message is not repeated without end.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from billiard.exceptions import Terminated, WorkerLostError
from celery.exceptions import Ignore, Reject

from tasks.errors import TimeLimitOver
from tasks.flow import attempts
from tasks.flow.ledger import Ledger
from workers.parent.child import Child
from workers.parent.dispatcher import Dispatcher
from workers.parent.pipeline.batch import Batch
from workers.parent.pipeline.flight import Flight
from workers.parent.pipeline.pipeline import Pipeline
from workers.parent.pipeline.verdict import LastSeen, Verdict
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.wire.call import Call, Lost
from workers.wire.messages import CancelRequests

logger = logging.getLogger(__name__)

NOT_BEGUN = "not begun"
DIED_AWAY = "its process died while its result was put away"
DIED_READY = "its process died while it was made ready"
ENDS_ITSELF_WITHIN_S = 0.5
"""A child whose sidecar has ended."""
Keep = Callable[[Sequence[Call]], None]
"""Keeps in Redis how these runs ended."""


@dataclass(frozen=True)
class _End:
    """How one request of a dead pipeline ended. `verdict` None: the sidecar has given it back itself.

    `why` is what the child said of its own end, if it could.
    """

    place: tuple[int, int]
    request: SlotRequest
    verdict: Verdict | None
    why: str = ""


class Losses:
    """Handles requests that do not end normally."""

    def __init__(
        self, dispatcher: Dispatcher, flight: Flight, supervisor: Supervisor, ledger: Callable[[], Ledger]
    ) -> None:
        self._dispatcher = dispatcher
        self._flight = flight
        self._supervisor = supervisor
        self._ledger = ledger

    def over(self, pipeline: Pipeline) -> None:
        """Child and sidecar are dead, and all that the sidecar has sent was heard: what is left ends now."""
        lost = [
            _End((one.batch, one.call), one.request, Verdict.COMPUTED, one.why.why)
            if isinstance(one.why, Lost)
            else _End((one.batch, one.call), one.request, None)
            for one in pipeline.returned
        ]
        seen = LastSeen.of(pipeline.page)
        left = [
            _End(
                (batch.number, call),
                request,
                seen.verdict(batch.number, call, child_died_first=pipeline.child_died_first),
            )
            for batch, call, request in pipeline.requests
        ]
        pipeline.returned, pipeline.batches = [], {}
        said = next((one.why for one in lost if one.why), "")
        died = f"Worker exited prematurely: {pipeline.ended_how}"
        error = WorkerLostError(pipeline.killed_for or (f"the batch failed: {said}" if said else died))
        self._keep(pipeline, lost + left, error)
        # The first request is given back last, so it is at the front again.
        for one in sorted(lost + left, key=lambda one: one.place, reverse=True):
            has_begun = one.verdict not in (None, Verdict.INNOCENT)
            one.request.fail(_end_of(one.request) or (error if has_begun else Reject(NOT_BEGUN, requeue=True)))

    def sidecar_ended(self, pipeline: Pipeline) -> None:
        """Its line is closed. If its child lives, it ends as well, because nobody would take its results."""
        if pipeline.ended_how is None and (child := self._flight.child()) is not None:
            if not (pipeline.is_planned or pipeline.killed_for):
                logger.error("the sidecar of process %d has ended; the child is replaced with it", pipeline.pid)
            # It ends itself, in the way in which its sidecar has ended, unless it is frozen.
            self._supervisor.loop.call_later(ENDS_ITSELF_WITHIN_S, self._kill, child, pipeline)

    def _kill(self, child: Child, pipeline: Pipeline) -> None:
        if pipeline.ended_how is None:
            child.kill()

    def give_back(self, pipeline: Pipeline) -> None:
        """Give back what has not begun, the last one first; what was lost waits for its pipeline's end."""
        found = [one for one in pipeline.returned if not isinstance(one.why, Lost)]
        pipeline.returned = [one for one in pipeline.returned if isinstance(one.why, Lost)]
        for one in sorted(found, key=lambda one: (one.batch, one.call), reverse=True):
            one.request.fail(_end_of(one.request) or Reject(NOT_BEGUN, requeue=True))

    def child_gone(self) -> None:
        """The child is dead: requests that wait return to the queue, where another worker may take them."""
        self._dispatcher.child_gone()

    def flush(self) -> None:
        """The broker's connection was lost: what waits is given back; what is in flight goes on.

        Celery forgets each request that was not accepted, and its message would be run twice.
        """
        now = time.monotonic()
        for pipeline, _, _, request in list(self._flight.requests):
            request.accept(pipeline.pid, now)
        self._dispatcher.give_back_pending("the connection was lost")

    def terminate(self, request: SlotRequest) -> None:
        """Celery revokes a request: one that waits is dropped. If a whole run is cancelled, the child is killed."""
        if self._dispatcher.pending.leave(request):
            request.fail(Terminated(request.signal))
        elif (pipeline := self._flight.find(request)) is None or not request.is_accepted:
            return
        elif not request.was_revoked:
            self.give_back_running()  # in a cold shutdown Celery ends all running requests
        else:
            self.cancel([request])
            if (found := pipeline.running()) and found[1] and all(one.is_cancelled for one in found[1]):
                self.stop_running(pipeline, found[0].number, f"{request.call.task_id} was terminated")

    def cancel(self, requests: Sequence[SlotRequest]) -> None:
        """Mark these requests in flight as cancelled, and tell sidecar and child."""
        now, wanted = time.monotonic(), set(map(id, requests))
        found: defaultdict[tuple[int, int], list[tuple[Pipeline, Batch, int]]] = defaultdict(list)
        for pipeline, batch, call, request in self._flight.requests:
            if id(request) in wanted:
                request.is_cancelled, request.told_at = True, now
                found[pipeline.pid, batch.number].append((pipeline, batch, call))
        for places in found.values():
            pipeline, batch, _ = places[0]
            self._tell(pipeline, batch, [call for _, _, call in places])

    def over_limit(self, pipeline: Pipeline, batch: Batch, request: SlotRequest, now: float) -> None:
        """The request's own time limit is over: it is to stop; the watch kills its child if it does not in time."""
        if request.is_cancelled or request.is_over_limit or request.limit is None:
            return
        request.is_over_limit, request.told_at = True, now
        words = str(request.limit)
        logger.warning("%s[%s] is stopped: %s, is over", request.call.task, request.call.task_id, words)
        self._tell(pipeline, batch, [list(batch.requests).index(request)], words)

    def stop_running(self, pipeline: Pipeline, run: int, why: str) -> None:
        """Kill the child if it still computes this run; a new child loads the model again."""
        found, child = pipeline.page.running(), self._flight.child()
        if child is None or pipeline.is_planned or pipeline is not self._flight.current:
            return
        if found is not None and found.number == run:
            logger.warning("%s: the child is killed, and its model is loaded again", why)
            pipeline.is_planned = True
            self._supervisor.restarts.expect_death()
            child.kill()

    def out_of_time(self, pipeline: Pipeline, why: str) -> None:
        """Kill the child, whose run has exceeded its time limit."""
        child = self._flight.child()
        if child is not None and not pipeline.killed_for and pipeline is self._flight.current:
            pipeline.killed_for = why
            logger.warning("a run is %s", why)
            child.kill()

    def stage_is_stuck(self, pipeline: Pipeline, why: str) -> None:
        """Kill the sidecar: what it does beside the model has exceeded its limit. Its child ends with it."""
        if not pipeline.is_stuck:
            pipeline.is_stuck = True
            pipeline.killed_for = pipeline.killed_for or why
            logger.error("the sidecar of process %d is killed: %s", pipeline.pid, why)
            pipeline.kill_sidecar()

    def kill_child(self) -> None:
        """Kill child and sidecar, which are not at fault. Their work is given back; a new child is started.

        From any thread.
        """
        if self._flight.child() is not None:
            self._supervisor.restarts.expect_death()
            self._flight.kill(is_planned=True)

    def give_back_running(self) -> None:
        """The same when the worker stops; from any thread."""
        self.kill_child()

    def _tell(self, pipeline: Pipeline, batch: Batch, calls: Sequence[int], over_limit: str = "") -> None:
        pipeline.cancel(batch, calls, over_limit)
        if pipeline is self._flight.current:
            self._supervisor.send(CancelRequests(batch.number, tuple(calls)))

    def _keep(self, pipeline: Pipeline, ends: Sequence[_End], error: WorkerLostError) -> None:
        """Keep in Redis how the runs ended, for the next attempt and for the error after the last one."""

        def uncount(calls: Sequence[Call]) -> None:
            attempts.uncount(self._ledger(), calls)

        def computed(calls: Sequence[Call]) -> None:
            is_fault = not pipeline.died_loading
            attempts.note_loss(self._ledger(), calls, error, is_their_fault=is_fault)

        def away(calls: Sequence[Call]) -> None:
            attempts.note_loss(
                self._ledger(), calls, WorkerLostError(pipeline.killed_for or f"{DIED_AWAY}: {pipeline.ended_how}")
            )

        def ready(calls: Sequence[Call]) -> None:
            why = WorkerLostError(pipeline.killed_for or f"{DIED_READY}: {pipeline.ended_how}")
            attempts.note_loss(self._ledger(), calls, why, is_their_fault=True)

        kept: Mapping[Verdict, Keep] = {
            Verdict.INNOCENT: uncount,
            Verdict.COMPUTED: computed,
            Verdict.AWAY: away,
            Verdict.READY: ready,
        }
        for verdict, keep in kept.items():
            calls = [one.request.call for one in ends if one.verdict is verdict and not one.request.is_over_limit]
            if calls:
                (uncount if pipeline.is_planned else keep)(calls)


def _end_of(request: SlotRequest) -> Exception | None:
    """The end of a request that is not given back when its child dies; None for any other."""
    end: Exception | None = TimeLimitOver.of(str(request.limit)) if request.is_over_limit else None
    if request.is_cancelled:
        end = Ignore("cancelled")
    return end
