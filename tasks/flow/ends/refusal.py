"""Refuses a task whose id belongs to another request, without a trace under that id.

The refused task fails for Celery: its event, its errbacks, its chord and its chain hear of it. Under the id itself
nothing is stored, because a result or PROGRESS of the first request is there, or will be. The message is set aside,
where a person finds it with the reason, and can send it again when the id is free.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any

from celery import Task, states

from tasks.errors import IdInUse
from tasks.flow import envelope
from tasks.flow.ends.failure import error_fields
from tasks.flow.ends.own_run import JobRun
from tasks.flow.ledger import Ledger
from tasks.redis.task_id import in_use
from tasks.routing import FLOW_QUEUE, list_key

logger = logging.getLogger(__name__)


def refused(task: Task, ledger: Ledger, queue: str, error: IdInUse) -> IdInUse:
    """Set the message of this run aside; returns the error to raise, which Celery then stores nowhere."""
    head, tail = envelope.same_task_again(task.request, queue)
    ledger.set_asides.add(list_key(queue, 0), str(error), head + uuid.uuid4().hex + tail)
    return _without_a_trace(task, error)


def refused_job(this: JobRun) -> IdInUse:
    """The same for a job. One that is a part of another job fails there, and its message is not kept."""
    error = in_use(this.job_id)
    if this.parent is None:
        return refused(this.task, this.ledger, FLOW_QUEUE, error)
    this.ledger.transitions.settle(*this.parent, "failed", {"error": error_fields(error), "result": None})
    return _without_a_trace(this.task, error)


def _without_a_trace(task: Task, error: IdInUse) -> IdInUse:
    logger.warning("%s[%s] is refused: %s", task.name, task.request.id, error)
    # Celery fails the later tasks of a chain only where it stores the failure of this one.
    for later in task.request.chain or []:
        options: dict[str, Any] = later.get("options") or {}
        if later_id := options.get("task_id"):
            task.backend.store_result(later_id, error, states.FAILURE)
    task.request.ignore_result = True
    return error
