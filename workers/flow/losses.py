"""What follows when a task of a flow worker does not end normally: its child died, or a time limit is over.

A run that was lost is counted in Redis (`tasks/flow/ledger/lua/lost.lua`), with what ended it, and its message
returns to the front of its queue. Guarantees:

- after three of them the task fails with what ended the last one: a job in the ledger too, where it can be tried
  again; another task is set aside whole;
- a run that this worker ends as planned costs no attempt;
- a limit of the sender's is kept once, and named: the job fails. A limit of this worker, or of the task, that kills
  the child is one more death;
- what Celery gets as the job's end is what the ledger has, also if another worker has ended it meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore
from redis import RedisError

from tasks import errors
from tasks.errors import SlotlineError, TimeLimitOver, WorkerLost
from tasks.flow import envelope
from tasks.flow.attempts import JOB_NUMBER
from tasks.flow.ends.outside import Failing, fail
from tasks.flow.job import used_up
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import OwnMessage
from tasks.routing import FLOW_QUEUE, list_key
from workers.flow.request import FlowRequest
from workers.upstream.celery import context_of, mark_done, store_though_ignored

logger = logging.getLogger(__name__)

MEMORY = "memory ran out"


class FlowLosses:
    """Decides about lost runs; `died` is called for each death that was not planned. On the event loop only."""

    def __init__(self, ledger: Callable[[], Ledger], died: Callable[[], None]) -> None:
        self._ledger = ledger
        self._died = died

    def lost(self, request: FlowRequest, einfo: ExceptionInfo) -> None:
        """The request ended with this error, which is not a result of its task."""
        error = getattr(einfo.exception, "exc", einfo.exception)
        match error:
            case TimeLimitExceeded() if request.limit is not None:
                self._over_limit(request, str(request.limit))
            case WorkerLostError() | SystemExit() | KeyboardInterrupt():
                self._lost(request, JOB_NUMBER.sub("", str(error) or type(error).__name__))
            case MemoryError():  # Celery would end this worker with it
                self._lost(request, MEMORY)
            case Terminated():  # revoked, or this worker ends at once: Celery knows which
                self._note(request, "")
                request.error_callback(einfo)
            case _:
                request.error_callback(einfo)

    def _over_limit(self, request: FlowRequest, words: str) -> None:
        if request.limit is not None and request.limit.is_the_senders:
            logger.warning("%s[%s] fails: %s", request.call.task, request.call.task_id, words)
            self._fail(request, TimeLimitOver.of(words))
        else:
            self._lost(request, f"killed after {words}")

    def _lost(self, request: FlowRequest, why: str) -> None:
        call = request.call
        if request.is_planned:
            self._note(request, "")
            request.fail(WorkerLostError(why))
            return
        self._died()
        runs = self._note(request, why)
        logger.warning("%s[%s] was lost, run %d of %d: %s", call.task, call.task_id, runs, ATTEMPTS_ALLOWED, why)
        if runs >= ATTEMPTS_ALLOWED:
            self._fail(request, self._used_up(request, why))
        else:
            request.fail(WorkerLostError(why))

    def _note(self, request: FlowRequest, why: str) -> int:
        """Keep in Redis how the run was lost; how many were begun, 0 if Redis does not say it."""
        call = request.call
        try:
            return self._ledger().claims.lost(call.task_id, call.delivery_tag, why, is_job=request.kind is not None)
        except RedisError as exc:
            logger.warning("how a run of %s was lost could not be kept: %s", call.task_id, exc)
            return 0

    def _used_up(self, request: FlowRequest, why: str) -> SlotlineError:
        if request.kind is not None:
            record = self._ledger().queries.record(request.call.task_id)
            return used_up(self._ledger(), request.call.task_id, record.state if record else "new")
        return WorkerLost(f"its worker died in all {ATTEMPTS_ALLOWED} attempts; the last time: {why}")

    def _fail(self, request: FlowRequest, error: SlotlineError) -> None:
        """End the task for good. If Redis does not answer, its message is given back, and this happens again."""
        try:
            if request.kind is None:
                self._set_aside(request, error)
                request.fail(error)
            elif self._end_job(request, request.kind, error):
                request.fail(error)
                if request.parent is None:
                    store_though_ignored(request.callback, error)
            else:
                self._answer(request)
        except RedisError as exc:
            logger.warning("the end of %s could not be recorded, it is given back: %s", request.call.task_id, exc)
            request.fail(WorkerLostError(str(error)))

    def _end_job(self, request: FlowRequest, kind: str, error: SlotlineError) -> bool:
        return fail(
            self._ledger(), Failing(request.call.task_id, kind, request.parent, error, _own(request, FLOW_QUEUE))
        )

    def _answer(self, request: FlowRequest) -> None:
        """The job is open, or has ended, by another run: Celery gets what the ledger has."""
        record = self._ledger().queries.record(request.call.task_id)
        if record is None or record.outcome is None or record.outcome == "REVOKED":
            request.fail(Ignore("its run is too late"))
        elif record.outcome == "SUCCESS":
            mark_done(request.callback, record.result)
            request.succeed(record.result)
        else:
            said = record.error or {"type": "", "message": ""}
            request.fail(errors.named(said["type"])(said["message"]))

    def _set_aside(self, request: FlowRequest, error: SlotlineError) -> None:
        delivery: dict[str, Any] = request.call.headers.get("delivery_info") or {}
        queue = str(delivery.get("routing_key") or FLOW_QUEUE)
        call = request.call
        copy = envelope.copy_of(call.headers, call.body, queue)
        self._ledger().set_asides.add(list_key(queue, 0), f"{type(error).__name__}: {error}", copy)


def _own(request: FlowRequest, queue: str) -> OwnMessage | None:
    """The job's own message, for whoever tries it again: without the limit that its sender set for the first time."""
    context = context_of(request.callback)
    if context is None:
        return None
    context.timelimit = None
    return OwnMessage(*envelope.same_task_again(context, queue), list_key(queue, 0))
