"""The life of a job, the same for every kind: open it, wait for its parts, finish it.

The job's task runs twice with one id. The first run splits the input, opens the job in the
ledger, and raises `Ignore`: Celery stores nothing and the job stays open. When the last part
is settled, the ledger sends the same message again. The second run gathers the parts and
returns the result, so Celery itself stores it and runs links, chains and chords. A kind
(`tasks/flow/kind.py`) only defines how to split and gather.

Every step may be repeated: a message that is delivered twice finds the job open, finishing
or ended, and changes nothing that is settled. Guarantees: a run is counted in Redis before it
begins, and a job has a limited number of them, whatever ends them; what the ledger keeps as the
job's end is also Celery's result, whichever run is the last.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject, TaskPredicate
from kombu.exceptions import OperationalError
from redis.exceptions import DataError, RedisError

from tasks.errors import ArtifactMissing, IdInUse, PartsFailed, SlotlineError, WorkerLost
from tasks.flow import envelope
from tasks.flow.connections import offers
from tasks.flow.ends.own_run import (
    EndedElsewhere,
    JobRun,
    answer,
    answer_again,
    end,
    fail,
    settle_parent,
    stop_if_cancelled,
)
from tasks.flow.ends.refusal import refused_job
from tasks.flow.kind import Gathered, Incomplete, Kind, Made, More, Plan
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.claims import SPENT, TOO_SOON
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import Opening, Record
from tasks.flow.ledger.sizes import size_of
from tasks.flow.outcomes import as_slotline_error
from tasks.flow.payloads import part_of, words_of
from tasks.messages import JobRequest
from tasks.redis.scripts import is_the_servers_own
from tasks.redis.task_id import digest_of
from tasks.routing import FLOW_QUEUE, list_key

logger = logging.getLogger(__name__)

NAMED_FAILURES = 10
"""How many failed parts an error names; the ledger has all of them."""

REFUSED_PAUSE_S = 1.0
"""Pause before a message is given back to a Redis that refuses it; otherwise it would come again at once."""


class _Failed(Exception):
    """The step has found that the job fails with `error`; `made` is what is kept of it."""

    def __init__(self, error: SlotlineError, made: Made | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.made = made


class TooSoon(Ignore):
    """The run does nothing, because the last one was lost a moment ago; a copy of its message is sent later."""


def run(task: Task, kind: Kind[Any], ledger: Ledger, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Run a job's task once: opens it and raises `Ignore`, or finishes it and returns its result.

    Any error of the kind ends the job with it, or has it tried again. `Reject`: Redis does not answer, or refuses.
    """
    request = digest_of(task.name, fields)
    this = JobRun(task, kind, ledger, fields, str(task.request.id), part_of(fields), request=request)
    try:
        if not ledger.claims.own(this.job_id, request):
            raise refused_job(this)
        return _run(this)
    except EndedElsewhere as found:
        return answer_again(this, found.record)
    except (RedisError, OperationalError) as exc:
        raise _given_back(this, exc) from exc


def _run(this: JobRun) -> Mapping[str, Any]:
    try:
        this = _begun(this)
        return _step(this)
    except _Failed as failed:
        fail(this, failed.error, failed.made)
    except (TaskPredicate, EndedElsewhere, IdInUse, RedisError, OperationalError) as exc:
        if isinstance(exc, RedisError) and (isinstance(exc, DataError) or not is_the_servers_own(exc)):
            _try_again_or_fail(this, _named(this, exc))  # it is what this job gave to Redis that is wrong
        raise
    except Exception as exc:  # the boundary to kinds of work, which other packages may bring; MemoryError too
        _try_again_or_fail(this, _named(this, exc))


def _begun(this: JobRun) -> JobRun:
    """The run, counted. Raises `Ignore` if it must wait, and `_Failed` if the job's runs are used up."""
    attempt = this.ledger.claims.begin(this.job_id, this.tag, this.own, this.parent)
    if attempt == TOO_SOON:
        raise TooSoon("its last run was lost a moment ago; a copy of the message is sent later")
    if attempt == SPENT:
        record = this.ledger.queries.record(this.job_id)
        raise _Failed(used_up(this.ledger, this.job_id, record.state if record else "new"))
    return replace(this, attempt=attempt)


def used_up(ledger: Ledger, job_id: str, state: str) -> WorkerLost:
    """The error of a job whose worker died in all attempts to take the step from this state."""
    why = ledger.claims.step_loss(job_id, state)
    doing = {"finishing": "finish", "ended": "answer"}.get(state, "open")
    last = f"; the last time: {why}" if why else ""
    return WorkerLost(f"its worker died in all {ATTEMPTS_ALLOWED} attempts to {doing} it{last}")


def _named(this: JobRun, exc: Exception) -> SlotlineError:
    """The error of a step as a `SlotlineError`; the log has where a foreign one was raised."""
    if isinstance(exc, SlotlineError):
        return exc
    logger.error("%s[%s] failed", this.task.name, this.job_id, exc_info=exc)
    return as_slotline_error(exc) if isinstance(exc, MemoryError) else SlotlineError(f"{type(exc).__name__}: {exc}")


def _try_again_or_fail(this: JobRun, error: SlotlineError) -> NoReturn:
    if error.retryable:
        stop_if_cancelled(this)
        # Not Celery's retry: one worker would hold the message for so long, and RETRY would replace PROGRESS.
        match this.ledger.transitions.later(this.job_id, this.attempt, this.own, this.parent):
            case "sent":
                logger.warning("%s[%s] is tried again: %s", this.task.name, this.job_id, error)
                raise Ignore(f"tried again: {error}") from error
            case "late":
                raise Ignore(f"a later run of it has begun, or it has ended: {error}") from error
    fail(this, error, None)


def _given_back(this: JobRun, error: Exception) -> Reject:
    """What gives the message back. A Redis that answers and refuses everything costs the job no attempt."""
    logger.warning("%s[%s] is given back, Redis is unreachable or refuses: %s", this.task.name, this.job_id, error)
    try:
        this.ledger.claims.lost(this.job_id, this.tag, "", is_job=True)
    except RedisError as exc:
        logger.info("its run stays counted: %s", exc)
    time.sleep(REFUSED_PAUSE_S)
    return Reject(str(error), requeue=True)


def _step(this: JobRun) -> Mapping[str, Any]:
    record = this.ledger.queries.record(this.job_id)
    if record is None or record.state == "sent":
        return _open(this)
    if record.state == "open":
        raise Ignore("the job is open already: the message was delivered twice")
    if record.state == "finishing":
        return _finish(this, record)
    raise EndedElsewhere(record)


def _open(this: JobRun) -> Mapping[str, Any]:
    request = _request(this)
    plan = this.kind.plan(request, offers(this.task.app), is_part=this.parent is not None)
    to_compute = this.ledger.transitions.open(this.job_id, replace(_opening(this, plan), timeout_s=request.timeout_s))
    if to_compute < 0:
        if not this.ledger.claims.own(this.job_id, this.request):
            raise refused_job(this)
        stop_if_cancelled(this)
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
        variant=f"*{plan.variant_field}" if plan.variant_field else plan.variant,
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
        names_artifacts=plan.names_artifacts,
        request=this.request,
        sizes=_sizes(plan),
    )


def _sizes(plan: Plan) -> Sequence[int] | None:
    if plan.sizes is not None or plan.part_queue == FLOW_QUEUE:
        return plan.sizes
    return [size_of(payload) for payload in plan.payloads]


def _finish(this: JobRun, record: Record) -> Mapping[str, Any]:
    payloads = this.ledger.queries.payloads(this.job_id)
    # If another run has just extended the job, this run must not see the new parts.
    came = {part: one for part, one in this.ledger.queries.outcomes(this.job_id).items() if part <= record.total}
    gathered = Gathered(record, this.ledger.queries.params(this.job_id), payloads, came)
    if len(gathered.payloads) != record.total:
        stop_if_cancelled(this)
        raise Ignore("the job has changed since its message was sent")
    try:
        made = this.kind.gather(gathered)
    except Incomplete as missing:
        if this.attempt >= ATTEMPTS_ALLOWED:
            named = ", ".join(map(str, missing.parts[:NAMED_FAILURES]))
            raise ArtifactMissing(
                f"the artifacts of {len(missing.parts)} {_units(this.kind)} ({named}) are missing again, "
                f"though they were computed {this.attempt} times; does the store keep what is written?"
            ) from missing
        this.ledger.transitions.reopen(this.job_id, missing.parts)
        raise Ignore("artifacts were missing: their parts are computed again") from missing
    except More as more:
        if not this.ledger.transitions.extend(this.job_id, record.total, more.payloads):
            stop_if_cancelled(this)
        raise Ignore(f"{len(more.payloads)} further parts are being computed") from more
    if record.failed:
        raise _Failed(_parts_failed(this.kind, gathered, made), made)
    end(this, "SUCCESS", made.result)
    settle_parent(this, "done", made.result, made.result, made.computed)
    return answer(this, made.result)


def _parts_failed(kind: Kind[Any], gathered: Gathered, made: Made) -> PartsFailed:
    failed = {part: outcome["error"] for part, outcome in sorted(gathered.outcomes.items()) if "error" in outcome}
    alike: dict[str, list[str]] = {}  # many parts often fail for one reason, which is said once
    for part, error in list(failed.items())[:NAMED_FAILURES]:
        alike.setdefault(error["message"], []).append(f"{part} («{words_of(gathered.payloads[part - 1])}»)")
    named = "; ".join(f"{', '.join(parts)}: {message}" for message, parts in alike.items())
    more = f"; and {len(failed) - NAMED_FAILURES} more" if len(failed) > NAMED_FAILURES else ""
    kept = f". {made.kept}" if made.kept else ""
    return PartsFailed(f"{len(failed)} of {gathered.record.total} {_units(kind)} failed: {named}{more}{kept}")


def _units(kind: Kind[Any]) -> str:
    return kind.units or f"{kind.unit}s"
