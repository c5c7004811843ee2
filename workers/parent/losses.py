"""What happens when a run does not end normally: its child died or was killed, or it is given back or cancelled.

Sends nothing to the child; `dispatcher.py` does. Guarantees:

- when the child dies during a batch, or is killed for its time limit, each request of the batch gets
  `WorkerLostError`: Celery gives the message back (late acks, reject_on_worker_lost);
- a request that the child never began ends by `Reject(requeue=True)`, and never fails;
- when the worker stops and gives a batch back, this counts no attempt;
- a request whose sender's time limit is over fails with that limit, once: at the adapter's next safe point, or with
  its child. It runs alone, so no other request is hit.

A batch that exceeds its limit is handled as a dead child. Celery's `TimeLimitExceeded` would acknowledge a part that
is not settled. The child counts attempts in Redis, so a message is not repeated without end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject

from tasks.errors import TimeLimitOver
from tasks.flow import attempts
from tasks.flow.ledger import Ledger
from tasks.settings import settings
from workers.parent.dispatcher import Dispatcher
from workers.parent.runs import Batch, Run
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.wire.messages import CancelRequests

logger = logging.getLogger(__name__)


class Losses:
    """Handles runs that do not end normally. `time_limit_s` is the model's, for messages."""

    def __init__(
        self, dispatcher: Dispatcher, supervisor: Supervisor, ledger: Callable[[], Ledger], time_limit_s: float
    ) -> None:
        self._dispatcher = dispatcher
        self._supervisor = supervisor
        self._ledger = ledger
        self._time_limit_s = time_limit_s
        self._is_giving_back = False
        self._is_planned = False

    def lost(self, run: Run, einfo: ExceptionInfo) -> None:
        """The run did not end normally: the child died, was killed, or failed outside its requests."""
        self._dispatcher.ended(run)
        calls = [request.call for request in run.requests]
        if self._is_giving_back:
            attempts.uncount(self._ledger(), calls)
        error = self._loss_of(einfo)
        if not self._is_giving_back:
            lost = [one.call for one in run.requests if not one.is_over_limit]
            attempts.note_loss(self._ledger(), lost, error, is_their_fault=self._killed_by_requests(einfo))
        self._is_planned = False
        for request in reversed(run.requests):  # the first request is given back last, so it is at the front again
            request.fail(_end_of(request) or error)

    def _loss_of(self, einfo: ExceptionInfo) -> WorkerLostError:
        """The error for the requests. A child that failed outside its requests is killed and replaced."""
        error = getattr(einfo.exception, "exc", einfo.exception)
        if isinstance(error, WorkerLostError):
            return error
        if isinstance(error, TimeLimitExceeded):
            return WorkerLostError(f"killed after time_limit_s = {self._time_limit_s:g}")
        logger.error("the batch failed outside its requests, the child is replaced: %r\n%s", error, einfo.traceback)
        if (child := self._dispatcher.child()) is not None:
            child.kill()
        return WorkerLostError(f"the batch failed: {error!r}")

    def _killed_by_requests(self, einfo: ExceptionInfo) -> bool:
        """Whether the batch ended its child: not the worker did, nor the model while it was loaded."""
        self._supervisor.catch_up()
        error = getattr(einfo.exception, "exc", einfo.exception)
        is_death = isinstance(error, (WorkerLostError, TimeLimitExceeded))
        is_loading = self._supervisor.is_loading or bool(self._supervisor.variants.current)
        return is_death and not self._is_planned and not is_loading

    def child_gone(self) -> None:
        """The child is dead: requests that it had not begun return to the queue, where another worker may take them."""
        if (run := self._dispatcher.running) is not None and run.began_at is None:
            self._drop(run)
        self._dispatcher.give_back_pending("the slot's child died")

    def flush(self) -> None:
        """The broker's connection was lost: requests that have not begun are given back; running ones go on."""
        self._dispatcher.give_back_pending("the connection was lost")
        run, child = self._dispatcher.running, self._dispatcher.child()
        if child is None:
            return
        if run is not None and child.is_sent(run.result):
            # The child has this run and may be beginning it now: if it were given back, it would begin twice.
            child.hear(lambda: run.began_at is not None)
        child.flush()
        if run is not None and run.began_at is None:
            self._drop(run)

    def terminate(self, request: SlotRequest) -> None:
        """Celery revokes a request: a pending one is dropped. If the whole batch is cancelled, the child is killed."""
        batch = self._dispatcher.batch
        if self._dispatcher.pending.leave(request):
            request.fail(Terminated(request.signal))
        elif batch is None or batch.began_at is None or request not in batch.requests:
            return
        elif not request.was_revoked:
            self.give_back_running()  # in a cold shutdown Celery ends all running requests
        else:
            self.cancel([request])
            if all(one.is_cancelled for one in batch.requests):
                self.stop_running(batch, f"{request.call.task_id} was terminated")

    def cancel(self, requests: Sequence[SlotRequest]) -> None:
        """Mark these requests of the running batch as cancelled, and send this to the child."""
        for request in requests:
            request.is_cancelled = True
        self._supervisor.send(CancelRequests(tuple(request.call.delivery_tag for request in requests)))

    def over_limit(self, batch: Batch, request: SlotRequest) -> None:
        """The request's own time limit is over: it is to stop, and its child is killed if it does not in time."""
        if self._dispatcher.running is not batch or request.is_cancelled or request.limit is None:
            return
        request.is_over_limit = True
        words, grace_s = str(request.limit), settings().cancel_grace_s
        logger.warning("%s[%s] is stopped: %s, is over", request.call.task, request.call.task_id, words)
        self._supervisor.send(CancelRequests((request.call.delivery_tag,), words))
        why = f"{request.call.task_id} did not stop within {grace_s:g} s"
        self._supervisor.loop.call_later(grace_s, self.stop_running, batch, why)

    def stop_running(self, batch: Batch, why: str) -> None:
        """Kill the child if it still runs this batch; a new child loads the model again."""
        if self._dispatcher.running is batch and self._dispatcher.child() is not None:
            logger.warning("%s: the child is killed, and its model is loaded again", why)
            self.kill_child()

    def kill_child(self) -> None:
        """Kill the child, which is not at fault. Its batch is given back; a new child is started. From any thread."""
        if (child := self._dispatcher.child()) is not None:
            self._is_planned = True
            self._supervisor.restarts.expect_death()
            child.kill()

    def give_back_running(self) -> None:
        """Kill the child when the worker stops; its batch returns to the front, without an attempt. From any thread."""
        self._is_giving_back = True
        self.kill_child()

    def _drop(self, run: Run) -> None:
        """Take back a run that the child never began."""
        self._dispatcher.running = None
        if (child := self._dispatcher.child()) is not None:
            child.take_back(run.result)
        for request in reversed(run.requests):
            request.fail(Reject("not begun", requeue=True))


def _end_of(request: SlotRequest) -> Exception | None:
    """The end of a request that is not given back when its child dies; None for any other."""
    end: Exception | None = TimeLimitOver.of(str(request.limit)) if request.is_over_limit else None
    if request.is_cancelled:
        end = Ignore("cancelled")
    return end
