"""The body of a task that a slot computes: it takes the outcome that the slot's child left, and settles its part.

The same for every craft, which only says what an artifact looks like in a result and in
the ledger. Runs no model: where none ran, the task came to the wrong queue.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from celery import Task
from celery.exceptions import Ignore

from tasks.app import app
from tasks.errors import InvalidInput, SlotlineError, WorkerLost
from tasks.flow import envelope, outcomes
from tasks.flow.cancel import REASON
from tasks.flow.connections import ledger, write_buffer
from tasks.flow.job import part_of
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import Settlement
from tasks.flow.outcomes import Done, Dropped, Failed, Waiting
from tasks.routing import list_key
from tasks.store.artifacts import Artifact

TRACEBACK_CHARS = 4000


@dataclass(frozen=True)
class Told:
    """What a craft says of an artifact: `settled` stands in the ledger; `audio_s` is its length in seconds."""

    settled: Mapping[str, Any]
    audio_s: float = 0.0


def conclude(
    task: Task,
    fields: Mapping[str, Any],
    told: Callable[[Artifact], Told],
    result: Callable[[Artifact, bool], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """The task's result; settles the part that it is, if it is one. Raises `Ignore`, or what the input failed at.

    `result` gets the artifact and whether this run made it, and is asked of a task that stands alone only: that of
    a part is nobody's, and reading it from the store would cost.
    """
    part = part_of(fields)
    match outcomes.take(task.request.id):
        case Done(artifact, computed, attempt):
            if part is None:
                return result(artifact, computed)
            said = told(artifact)
            settled = {**said.settled, "computed": computed}
            settlement = Settlement(*part, "done", settled, int(computed), said.audio_s, attempt)
            write_buffer(app).settle(task.request.id, settlement)
            return settled
        case Failed(error, attempt):
            return _failed(task, part, error, attempt)
        case Dropped():
            if part is None:
                task.backend.mark_as_revoked(task.request.id, REASON, request=task.request)
            raise Ignore("its job or its part has ended")
        case Waiting():
            raise Ignore("another slot computes the same, or it was just tried; a copy is sent in time")
        case None:
            raise InvalidInput(f"queue: a slot computes {task.name}; send it to the queue named after its model")


def _failed(task: Task, part: tuple[str, int] | None, error: SlotlineError, attempt: int) -> Mapping[str, Any]:
    if part:
        told = {
            "error": {
                "type": type(error).__name__,
                "message": str(error),
                "attempt": attempt,
                "worker": task.request.hostname,
                "traceback": "".join(traceback.format_exception(error))[-TRACEBACK_CHARS:],
            }
        }
        verdict = ledger(app).transitions.settle(*part, "again" if error.retryable else "failed", told, attempt=attempt)
        if verdict in ("again", "late"):
            raise Ignore("tried again")
    elif error.retryable and attempt < ATTEMPTS_ALLOWED:
        raise task.retry(exc=error, countdown=0, max_retries=ATTEMPTS_ALLOWED)
    elif error.retryable or isinstance(error, WorkerLost):
        queue = str((task.request.delivery_info or {}).get("routing_key") or "")
        head, tail = envelope.same_task_again(task.request, queue)
        reason = f"{type(error).__name__}: {error}"
        ledger(app).set_asides.add(list_key(queue, 0), reason, head + uuid.uuid4().hex + tail)
    raise error
