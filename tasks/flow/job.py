"""The life of a job, the same for every kind: open it, wait for its parts, finish it.

The job's task runs twice with one id. The first run splits the input, opens the job in the
ledger, and raises `Ignore`: Celery stores nothing and the job stays open. When the last part
is settled, the ledger sends the same message again. The second run gathers the parts and
returns the result, so Celery itself stores it and runs links, chains and chords. A kind
(`tasks/flow/kind.py`) only defines how to split and gather.

Every step may be repeated: a message that is delivered twice finds the job open, finishing
or ended, and changes nothing that is settled.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore

from tasks import errors
from tasks.errors import PartsFailed, SlotlineError
from tasks.flow import envelope
from tasks.flow.cancel import CANCELLED, REASON
from tasks.flow.connections import offers
from tasks.flow.kind import Gathered, Incomplete, Kind, Made, More, Plan
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import FinalState, Opening, Record, Verdict
from tasks.flow.payloads import part_of, words_of
from tasks.messages import JobRequest
from tasks.routing import FLOW_QUEUE, list_key

logger = logging.getLogger(__name__)

TRIES = 3
"""How often a step is tried when the store fails."""

NAMED_FAILURES = 10
"""How many failed parts an error names; the ledger has all of them."""


@dataclass(frozen=True)
class JobRun:
    """One run of a job's task."""

    task: Task
    kind: Kind[Any]
    ledger: Ledger
    fields: Mapping[str, Any]
    job_id: str
    parent: tuple[str, int] | None = None

    @property
    def name(self) -> str:
        """The kind's name in the job's record."""
        return str(self.kind.request.kind)


def run(task: Task, kind: Kind[Any], ledger: Ledger, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Run a job's task once: opens it and raises `Ignore`, or finishes it and returns its result."""
    this = JobRun(task, kind, ledger, fields, str(task.request.id), part_of(fields))
    try:
        return _step(this)
    except SlotlineError as error:
        if error.retryable:
            _stop_if_cancelled(this)
            # Not Celery's retry: one worker would hold the message for so long, and RETRY would replace PROGRESS.
            head, tail = envelope.same_task_again(task.request, FLOW_QUEUE)
            if ledger.transitions.later(this.job_id, head, tail, list_key(FLOW_QUEUE, 0), TRIES, this.parent):
                logger.warning("%s[%s] is tried again: %s", task.name, this.job_id, error)
                raise Ignore(f"tried again: {error}") from error
        _fail(this, error, None)


def _step(this: JobRun) -> Mapping[str, Any]:
    record = this.ledger.queries.record(this.job_id)
    if record is None or record.state == "sent":
        return _open(this)
    if record.state == "open":
        raise Ignore("the job is open already: the message was delivered twice")
    if record.state == "finishing":
        return _finish(this, record)
    return _answer_again(this, record)


def _open(this: JobRun) -> Mapping[str, Any]:
    plan = this.kind.plan(_request(this), offers(this.task.app), is_part=this.parent is not None)
    to_compute = this.ledger.transitions.open(this.job_id, _opening(this, plan))
    if to_compute < 0:
        _stop_if_cancelled(this)
    if to_compute != 0:
        raise Ignore("opened: its parts are being computed")
    record = this.ledger.queries.record(this.job_id)
    if record is None:
        raise Ignore("the job was removed while it was opened")
    return _finish(this, record)


def _request(this: JobRun) -> JobRequest:
    """The job's request: checked if it is in the message itself; a flow worker has checked one in a payload."""
    request: JobRequest
    if this.parent is None:
        request = this.kind.request.parse(this.fields)
    elif taken := this.ledger.claims.take(*this.parent):
        request = this.kind.request_of(taken.payload)
    else:
        raise Ignore("its parent job has ended, or its part of that job")
    return request


def _opening(this: JobRun, plan: Plan) -> Opening:
    head, tail = envelope.same_task_again(this.task.request, FLOW_QUEUE)
    return Opening(
        kind=this.name,
        title=plan.title,
        model=plan.model,
        voice=plan.voice or "",
        params=plan.params,
        payloads=plan.payloads,
        skipped={part: {"skipped": reason} for part, reason in (plan.skipped or {}).items()},
        width=plan.width,
        part_task=plan.part_task,
        part_queue=plan.part_queue,
        part_list=list_key(plan.part_queue, plan.part_priority),
        part_priority=plan.part_priority,
        part_results=plan.part_results,
        finish_head=head,
        finish_tail=tail,
        finish_list=list_key(FLOW_QUEUE, 0),
        root=str(this.task.request.root_id or this.job_id),
        parent=this.parent,
        measure=plan.measure,
    )


def _finish(this: JobRun, record: Record) -> Mapping[str, Any]:
    payloads = this.ledger.queries.payloads(this.job_id)
    # If another run has just extended the job, this run must not see the new parts.
    came = {part: one for part, one in this.ledger.queries.outcomes(this.job_id).items() if part <= record.total}
    gathered = Gathered(record, this.ledger.queries.params(this.job_id), payloads, came)
    if len(gathered.payloads) != record.total:
        _stop_if_cancelled(this)
        raise Ignore("the job has changed since its message was sent")
    try:
        made = this.kind.gather(gathered)
    except Incomplete as missing:
        this.ledger.transitions.reopen(this.job_id, missing.parts)
        raise Ignore("artifacts were missing: their parts are computed again") from missing
    except More as more:
        if not this.ledger.transitions.extend(this.job_id, record.total, more.payloads):
            _stop_if_cancelled(this)
        raise Ignore(f"{len(more.payloads)} further parts are being computed") from more
    if record.failed:
        _fail(this, _parts_failed(this.kind, gathered, made), made)
    _end(this, "SUCCESS", made.result, None)
    _settle_parent(this, "done", made.result, made.result, made.computed)
    return made.result


def _answer_again(this: JobRun, record: Record) -> Mapping[str, Any]:
    """The job has ended, but its message was delivered again: its worker died before Celery stored the result."""
    result = record.result or {}
    if record.outcome == "SUCCESS":
        _settle_parent(this, "done", result, result)
        return result
    _stop_if_cancelled(this)
    if not record.error:
        raise Ignore("the job has ended")
    error = errors.named(record.error["type"])(record.error["message"])
    _settle_parent(this, "failed", {"error": record.error, "result": record.result})
    raise error


def _stop_if_cancelled(this: JobRun) -> None:
    """If the job is cancelled, end this run as Celery ends a revoked task; else do nothing."""
    if not this.ledger.queries.cancelled([this.job_id]):
        return
    _settle_parent(this, "failed", CANCELLED)
    this.task.backend.mark_as_revoked(this.job_id, REASON, request=this.task.request)
    this.task.send_event("task-revoked", terminated=False, signum=None, expired=False)
    raise Ignore("the job was cancelled")


def _end(this: JobRun, outcome: FinalState, result: Mapping[str, Any] | None, error: Mapping[str, Any] | None) -> None:
    """End the job; raise `Ignore` if it was cancelled or its failed parts were retried before this."""
    if this.ledger.transitions.end(this.job_id, this.name, outcome, result, error):
        return
    _stop_if_cancelled(this)
    record = this.ledger.queries.record(this.job_id)
    if record is not None and record.state == "open":
        raise Ignore("its failed parts were retried: this run is too late")


def _fail(this: JobRun, error: SlotlineError, made: Made | None) -> NoReturn:
    named = {"type": type(error).__name__, "message": str(error)}
    result = made.result if made else None
    _end(this, "FAILURE", result, named)
    _settle_parent(this, "failed", {"error": named, "result": result}, result, made.computed if made else 0)
    raise error


def _settle_parent(
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


def _parts_failed(kind: Kind[Any], gathered: Gathered, made: Made) -> PartsFailed:
    failed = {part: outcome["error"] for part, outcome in sorted(gathered.outcomes.items()) if "error" in outcome}
    named = "; ".join(
        f"{part} («{words_of(gathered.payloads[part - 1])}»): {error['message']}"
        for part, error in list(failed.items())[:NAMED_FAILURES]
    )
    more = f"; and {len(failed) - NAMED_FAILURES} more" if len(failed) > NAMED_FAILURES else ""
    kept = f". {made.kept}" if made.kept else ""
    return PartsFailed(f"{len(failed)} of {gathered.record.total} {kind.unit}s failed: {named}{more}{kept}")
