"""What follows when a run ends otherwise than by itself: lost with its child, killed, given back, dropped, cancelled.

Hands nothing over; `dispatcher.py` does. Guarantees, whatever dies:

- when the child dies under a batch, or is killed by its time limit, each request of it gets
  `WorkerLostError`: Celery gives the message back (late acks, reject_on_worker_lost);
- what the child never began goes back by `Reject(requeue=True)`, and is never failed;
- a batch that is given back because the worker stops was no attempt.

A batch that exceeds its limit counts as a child that died, not as Celery's `TimeLimitExceeded`, which would
acknowledge a part that nothing has settled. Attempts are counted in Redis, by the child, so this ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject

from tasks.flow import attempts
from tasks.flow.ledger import Ledger
from workers.parent.dispatcher import Dispatcher
from workers.parent.runs import Batch, Run
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.wire.messages import Cancel

logger = logging.getLogger(__name__)


class Losses:
    """The ends that no run has by itself. `time_limit_s` is the model's, for people."""

    def __init__(
        self, dispatcher: Dispatcher, supervisor: Supervisor, ledger: Callable[[], Ledger], time_limit_s: float
    ) -> None:
        self._dispatcher = dispatcher
        self._supervisor = supervisor
        self._ledger = ledger
        self._time_limit_s = time_limit_s
        self._is_giving_back = False

    def lost(self, run: Run, einfo: ExceptionInfo) -> None:
        """The run did not end by itself: the child died, was killed, or its machinery failed."""
        self._dispatcher.ended(run)
        calls = [request.call for request in run.requests]
        if self._is_giving_back:
            attempts.uncount(self._ledger(), calls)
        error = self._loss_of(einfo)
        if not self._is_giving_back:
            attempts.note_loss(self._ledger(), calls, error)
        for request in reversed(run.requests):  # the first goes back last, and so to the front
            request.fail(Ignore("cancelled") if request.is_cancelled else error)

    def _loss_of(self, einfo: ExceptionInfo) -> WorkerLostError:
        """What the requests hear; a child whose machinery failed is replaced."""
        error = getattr(einfo.exception, "exc", einfo.exception)
        if isinstance(error, WorkerLostError):
            return error
        if isinstance(error, TimeLimitExceeded):
            return WorkerLostError(f"killed after time_limit_s = {self._time_limit_s:g}")
        logger.error("the batch failed outside its requests, the child is replaced: %r\n%s", error, einfo.traceback)
        if (child := self._dispatcher.child()) is not None:
            child.kill()
        return WorkerLostError(f"the batch failed: {error!r}")

    def child_gone(self) -> None:
        """The child is dead: what it had not begun goes back to the queue, where another worker may have it."""
        if (run := self._dispatcher.running) is not None and run.began_at is None:
            self._drop(run)
        self._dispatcher.give_back_pending("the slot's child died")

    def flush(self) -> None:
        """The broker's connection was lost: Celery drops what has not begun, so it goes back. What runs goes on."""
        self._dispatcher.give_back_pending("the connection was lost")
        run, child = self._dispatcher.running, self._dispatcher.child()
        if child is None:
            return
        if run is not None and child.is_sent(run.result):
            # The child has it, and begins it now, before we hear of that: given back, it would be begun twice.
            child.hear(lambda: run.began_at is not None)
        child.flush()
        if run is not None and run.began_at is None:
            self._drop(run)

    def terminate(self, request: SlotRequest) -> None:
        """Celery revokes a request: one that waits goes. The child is killed when nobody wants any of its batch."""
        batch = self._dispatcher.batch
        if self._dispatcher.pending.leave(request):
            request.fail(Terminated(request.signal))
        elif batch is None or batch.began_at is None or request not in batch.requests:
            return
        elif not request.was_revoked:
            self.give_back_running()  # Celery ends all that runs, in a cold shutdown
        else:
            self.cancel(batch, [request])
            if all(one.is_cancelled for one in batch.requests):
                self.stop_running(batch, f"{request.call.task_id} was terminated")

    def cancel(self, batch: Batch, requests: Sequence[SlotRequest]) -> None:
        """Nobody wants these requests of the running batch any more: the child hears it."""
        for request in requests:
            request.is_cancelled = True
        self._supervisor.send(Cancel(tuple(request.call.delivery_tag for request in requests)))

    def stop_running(self, batch: Batch, why: str) -> None:
        """Kill the child if it still runs this batch; its model is loaded again."""
        if self._dispatcher.running is batch and self._dispatcher.child() is not None:
            logger.warning("%s: the child is killed, its model is loaded again", why)
            self.kill_child()

    def kill_child(self) -> None:
        """Kill the child for no fault of its own; from any thread. What it ran is given back, and the model loaded."""
        if (child := self._dispatcher.child()) is not None:
            self._supervisor.restarts.expect_death()
            child.kill()

    def give_back_running(self) -> None:
        """Kill the child; what it ran goes back to the front, and was no attempt. From any thread, when stopping."""
        self._is_giving_back = True
        self.kill_child()

    def _drop(self, run: Run) -> None:
        """Take back what the child never began."""
        self._dispatcher.running = None
        if (child := self._dispatcher.child()) is not None:
            child.take_back(run.result)
        for request in reversed(run.requests):
            request.fail(Reject("not begun", requeue=True))
