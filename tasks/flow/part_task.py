"""The body of a task that a slot computes: it takes the outcome of the slot's child, and settles its part.

It is the same for every craft; the craft's `Parts` define how an artifact looks in a result
and in the ledger. Runs no model: if no model ran before, the task was sent to a wrong queue.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Mapping
from typing import Any

from celery import Task
from celery.exceptions import Ignore

from tasks.app import app
from tasks.catalog import catalog
from tasks.errors import IdInUse, InvalidInput, SlotlineError, WorkerLost
from tasks.flow import envelope, outcomes
from tasks.flow.cancel import REASON
from tasks.flow.connections import ledger, write_buffer
from tasks.flow.ends.refusal import refused
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import Settlement
from tasks.flow.outcomes import Done, Dropped, Failed, Waiting
from tasks.flow.parts import Parts
from tasks.flow.payloads import part_of
from tasks.redis.task_id import digest_of, in_use
from tasks.routing import list_key

TRACEBACK_CHARS = 4000


def conclude(task: Task, fields: Mapping[str, Any], parts: Parts) -> Mapping[str, Any]:
    """The task's result; if the task is a part of a job, settle it. Raises `Ignore`, or the input's error.

    `parts.result` is called only for a task without a job. A part's result is not needed, and reading it from the store
    would take time.
    """
    part = part_of(fields)
    match outcomes.take(task.request.id):
        case Done(artifact, computed, attempt):
            if part is None:
                return parts.result(artifact, computed, fields).fields()
            record = parts.record(artifact)
            settled = {**record.settled, "computed": computed}
            settlement = Settlement(*part, "done", settled, int(computed), record.measure, attempt)
            write_buffer(app).settle(task.request.id, settlement)
            return settled
        case Failed(IdInUse() as error, _):
            raise refused(task, ledger(app), _queue_of(task), error)
        case Failed(error, attempt):
            return _failed(task, part, error, attempt)
        case Dropped():
            if part is None:
                task.backend.mark_as_revoked(task.request.id, REASON, request=task.request)
                task.send_event("task-revoked", terminated=False, signum=None, expired=False)
            raise Ignore("its job or its part has ended")
        case Waiting():
            raise Ignore("another slot computes the same, or it was just tried; a copy is sent later")
        case None:
            raise _misdirected(task, fields, part)


def _failed(task: Task, part: tuple[str, int] | None, error: SlotlineError, attempt: int) -> Mapping[str, Any]:
    if part:
        outcome = {
            "error": {
                "type": type(error).__name__,
                "message": str(error),
                "attempt": attempt,
                "worker": task.request.hostname,
                "traceback": "".join(traceback.format_exception(error))[-TRACEBACK_CHARS:],
            }
        }
        verdict = ledger(app).transitions.settle(
            *part, "again" if error.retryable else "failed", outcome, attempt=attempt
        )
        if verdict in ("again", "late"):
            raise Ignore("tried again")
    elif error.retryable and (attempt or _counted(task, error)) < ATTEMPTS_ALLOWED:
        # The attempts limit this, not the number of retries in the message, which its sender may have chosen.
        raise task.retry(exc=error, countdown=0, max_retries=task.request.retries + 1)
    elif error.retryable or isinstance(error, WorkerLost):
        queue = _queue_of(task)
        head, tail = envelope.same_task_again(task.request, queue)
        reason = f"{type(error).__name__}: {error}"
        ledger(app).set_asides.add(list_key(queue, 0), reason, head + uuid.uuid4().hex + tail)
    raise error


def _misdirected(task: Task, fields: Mapping[str, Any], part: tuple[str, int] | None) -> SlotlineError:
    """The error of a task that no model computes here; it must not cover what another request has under its id."""
    if part is None:
        if not ledger(app).claims.own(task.request.id, digest_of(task.name, fields)):
            return refused(task, ledger(app), _queue_of(task), in_use(task.request.id))
        if isinstance(model := fields.get("model"), str) and model not in catalog():
            catalog()[model]  # raises what names the model, and one like it
    return InvalidInput(f"queue: a slot computes {task.name}; send it to the queue named after its model")


def _counted(task: Task, error: SlotlineError) -> int:
    """Count a run that failed before it was counted, as when the store could not be asked; which run it was."""
    tag = str((task.request.properties or {}).get("delivery_tag") or task.request.id)
    return ledger(app).claims.lost(task.request.id, tag, str(error), is_job=False)


def _queue_of(task: Task) -> str:
    return str((task.request.delivery_info or {}).get("routing_key") or "")
