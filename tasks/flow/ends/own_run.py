"""How a run of a job's own task ends the job: SUCCESS or FAILURE in the ledger, in its parent job, and for Celery.

Guarantee: what the ledger keeps as the job's end is also Celery's result, whichever run comes last: a run that is
too late answers what the ledger has. A kind may add to both what it reads from the store (`Kind.answer`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore

from tasks import errors
from tasks.errors import SlotlineError
from tasks.flow import envelope
from tasks.flow.cancel import CANCELLED, REASON
from tasks.flow.ends.about import about
from tasks.flow.ends.failure import error_fields, may_be_tried_again
from tasks.flow.kind import Kind, Made
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import FinalState, OwnMessage, Record, Verdict
from tasks.routing import FLOW_QUEUE, list_key


@dataclass(frozen=True)
class JobRun:
    """One run of a job's task; `attempt` is its number among the runs that found the job in the same state."""

    task: Task
    kind: Kind[Any]
    ledger: Ledger
    fields: Mapping[str, Any]
    job_id: str
    parent: tuple[str, int] | None = None
    attempt: int = 0
    request: str = ""
    """The digest of the request in its message."""

    @property
    def name(self) -> str:
        """The kind's name in the job's record."""
        return str(self.kind.request.kind)

    @property
    def tag(self) -> str:
        """The delivery tag of the message of this run."""
        return str((self.task.request.properties or {}).get("delivery_tag") or self.job_id)

    @property
    def own(self) -> OwnMessage:
        """The message of this run, to be sent again."""
        return OwnMessage(*envelope.same_task_again(self.task.request, FLOW_QUEUE), list_key(FLOW_QUEUE, 0))


class EndedElsewhere(Exception):
    """Another run, or somebody outside, has ended the job before this run could."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.label)
        self.record = record


def answer_again(this: JobRun, record: Record) -> Mapping[str, Any]:
    """The job has ended, but its message was delivered again: its worker died before Celery stored the result."""
    result = record.result or {}
    if record.outcome == "SUCCESS":
        settle_parent(this, "done", result, result)
        return answer(this, result)
    stop_if_cancelled(this)
    if not record.error:
        raise Ignore("the job has ended")
    error = errors.named(record.error["type"])(record.error["message"])
    settle_parent(this, "failed", {"error": record.error, "result": record.result})
    raise error


def answer(this: JobRun, result: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the task returns for a job that succeeded, as far as the ledger has its result."""
    return this.kind.answer(result) if this.parent is None else result


def stop_if_cancelled(this: JobRun) -> None:
    """If the job is cancelled, end this run as Celery ends a revoked task; else do nothing."""
    if not this.ledger.queries.cancelled([this.job_id]):
        return
    settle_parent(this, "failed", CANCELLED)
    this.task.backend.mark_as_revoked(this.job_id, REASON, request=this.task.request)
    this.task.send_event("task-revoked", terminated=False, signum=None, expired=False)
    raise Ignore("the job was cancelled")


def end(
    this: JobRun, outcome: FinalState, result: Mapping[str, Any] | None, error: SlotlineError | None = None
) -> None:
    """End the job; raise `Ignore` if it was cancelled or its failed parts were retried before this.

    Raises `EndedElsewhere` if it has ended: Celery then gets what the ledger has, not what this run came to.
    """
    named = error_fields(error) if error else None
    again = this.own if error and may_be_tried_again(error) else None
    is_listed = this.parent is None
    shown = about(this.ledger, this.fields, this.parent) if error else {}
    if this.ledger.transitions.end(this.job_id, this.name, outcome, result, named, again, is_listed, shown):
        _store_though_ignored(this, outcome, result, error)
        return
    stop_if_cancelled(this)
    record = this.ledger.queries.record(this.job_id)
    if record is not None and record.state == "ended":
        raise EndedElsewhere(record)
    raise Ignore("its failed parts were retried, or its record was removed: this run is too late")


def _store_though_ignored(
    this: JobRun, outcome: FinalState, result: Mapping[str, Any] | None, error: SlotlineError | None
) -> None:
    """Celery stores no result for a sender that ignores it; but PROGRESS is there, and must not stay for ever."""
    if this.task.request.ignore_result and this.parent is None:
        this.task.backend.store_result(this.job_id, error or result, outcome, request=None)


def fail(this: JobRun, error: SlotlineError, made: Made | None) -> NoReturn:
    """End the job as FAILURE and raise the error; `made` is what is kept of it."""
    result = made.result if made else None
    end(this, "FAILURE", result, error)
    outcome = {"error": error_fields(error), "result": result}
    settle_parent(this, "failed", outcome, result, made.computed if made else 0)
    raise error


def settle_parent(
    this: JobRun,
    verdict: Verdict,
    outcome: Mapping[str, Any],
    result: Mapping[str, Any] | None = None,
    computed: int = 0,
) -> None:
    """If this job is a part of another job, settle that part; the parent job adds the measure of `result`."""
    if this.parent:
        job_id, part = this.parent
        measure = this.kind.measure(result) if result else None
        this.ledger.transitions.settle(job_id, part, verdict, outcome, computed, measure)
