"""A job's whole life, the same for every kind: open, wait for its parts, finish.

The job's task runs twice under one id. The first run splits the input and opens the job
in the ledger, then raises `Ignore`: Celery stores nothing and the job stays open. When
the last part has been settled the ledger sends the same message again, and the second
run puts the parts together and returns the result, so that Celery itself stores it and
fires links, chains and chords. A kind (`tasks/kinds/speech.py`) only says how to split and how
to assemble.

Every step may be repeated: a message that comes twice finds the job open, finishing or
ended, and changes nothing that is settled.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from celery import Task
from celery.exceptions import Ignore

from tasks import errors
from tasks.errors import InvalidInput, PartsFailed, SlotlineError
from tasks.flow import envelope
from tasks.flow.cancel import CANCELLED, REASON
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import FinalState, Opening, Record
from tasks.routing import FLOW_QUEUE, list_key

logger = logging.getLogger(__name__)

TRIES = 3
"""How often a step is tried when the store is not well."""

NAMED_FAILURES = 10
"""How many failed parts an error names; the ledger holds them all."""


@dataclass(frozen=True)
class Plan:
    """A job split into parts. `skipped` maps a part's number (from 1) to why it is not computed."""

    title: str
    model: str
    voice: str | None
    params: Mapping[str, Any]
    payloads: list[str]
    skipped: Mapping[int, str]
    width: int | None
    part_task: str
    part_queue: str
    part_priority: int
    part_results: bool


@dataclass(frozen=True)
class Gathered:
    """All that a kind needs to assemble: payloads in order, and what each part came to."""

    record: Record
    params: Mapping[str, Any]
    payloads: list[str]
    outcomes: Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Made:
    """What a kind assembled: the task's result, its length in seconds, how many parts were computed anew."""

    result: Mapping[str, Any]
    audio_s: float = 0.0
    computed: int = 0
    kept: str = ""
    """What there is where parts have failed; a sentence without its end, for the error's words."""


class Incomplete(Exception):
    """The artifacts of these parts are gone or damaged; they must be computed again."""

    def __init__(self, parts: list[int]) -> None:
        super().__init__(parts)
        self.parts = parts


class More(Exception):
    """What the parts came to is to be worked on once more: these payloads are further parts of the job."""

    def __init__(self, payloads: list[str]) -> None:
        super().__init__(len(payloads))
        self.payloads = payloads


class Kind(Protocol):
    """How one kind of job is split and assembled."""

    name: str
    unit: str
    """What a person calls one part: paragraph, chapter."""

    def fields_of(self, payload: str) -> Mapping[str, Any]:
        """The request of a job of this kind that is itself a part, from its payload."""

    def plan(self, ledger: Ledger, fields: Mapping[str, Any], is_part: bool) -> Plan:
        """Split the request; raises `InvalidInput` for what cannot be asked."""

    def gather(self, gathered: Gathered) -> Made:
        """Put the parts together; raises `Incomplete` naming parts whose artifact is gone, or `More`.

        The same payloads and outcomes must give the same, for it may be asked more than once. Not `More` where
        parts have failed: what there is belongs to the error.
        """


@dataclass(frozen=True)
class Run:
    """One run of a job's task."""

    task: Task
    kind: Kind
    ledger: Ledger
    fields: Mapping[str, Any]
    job_id: str
    parent: tuple[str, int] | None = field(default=None)


def run(task: Task, kind: Kind, ledger: Ledger, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Run a job's task once: opens it and raises `Ignore`, or finishes it and returns its result."""
    this = Run(task, kind, ledger, fields, str(task.request.id), part_of(fields))
    try:
        return _step(this)
    except SlotlineError as error:
        if error.retryable:
            _stop_if_cancelled(this)
            # Not by Celery's retry: its countdown has one worker hoard the message, and its RETRY covers PROGRESS.
            head, tail = envelope.same_task_again(task.request, FLOW_QUEUE)
            if ledger.transitions.later(this.job_id, head, tail, list_key(FLOW_QUEUE, 0), TRIES, this.parent):
                logger.warning("%s[%s] is tried again: %s", task.name, this.job_id, error)
                raise Ignore(f"tried again: {error}") from error
        _fail(this, error, None)


def _step(this: Run) -> Mapping[str, Any]:
    record = this.ledger.queries.record(this.job_id)
    if record is None or record.state == "sent":
        return _open(this)
    if record.state == "open":
        raise Ignore("the job is open already: a message that came twice")
    if record.state == "finishing":
        return _finish(this, record)
    return _answer_again(this, record)


def _open(this: Run) -> Mapping[str, Any]:
    fields = this.fields
    if this.parent:
        taken = this.ledger.claims.take(*this.parent)
        if taken is None:
            raise Ignore("the book has ended, or this chapter of it")
        fields = this.kind.fields_of(taken.payload)
    plan = this.kind.plan(this.ledger, fields, is_part=this.parent is not None)
    head, tail = envelope.same_task_again(this.task.request, FLOW_QUEUE)
    opening = Opening(
        kind=this.kind.name,
        title=plan.title,
        model=plan.model,
        voice=plan.voice or "",
        params=plan.params,
        payloads=plan.payloads,
        skipped={part: {"skipped": reason} for part, reason in plan.skipped.items()},
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
    )
    to_compute = this.ledger.transitions.open(this.job_id, opening)
    if to_compute < 0:
        _stop_if_cancelled(this)
    if to_compute != 0:
        raise Ignore("opened: its parts are on their way")
    record = this.ledger.queries.record(this.job_id)
    if record is None:
        raise Ignore("the job was removed while it was opened")
    return _finish(this, record)


def _finish(this: Run, record: Record) -> Mapping[str, Any]:
    payloads = this.ledger.queries.payloads(this.job_id)
    # Where another run has extended the job meanwhile, what its further parts came to is not this one's to see.
    came = {part: one for part, one in this.ledger.queries.outcomes(this.job_id).items() if part <= record.total}
    gathered = Gathered(record, this.ledger.queries.params(this.job_id), payloads, came)
    if len(gathered.payloads) != record.total:
        _stop_if_cancelled(this)
        raise Ignore("the job has changed since its message was sent")
    try:
        made = this.kind.gather(gathered)
    except Incomplete as missing:
        this.ledger.transitions.reopen(this.job_id, missing.parts)
        raise Ignore("artifacts were gone: their parts are computed again") from missing
    except More as more:
        if not this.ledger.transitions.extend(this.job_id, record.total, more.payloads):
            _stop_if_cancelled(this)
        raise Ignore(f"{len(more.payloads)} further parts are on their way") from more
    if record.failed:
        _fail(this, _parts_failed(this.kind, gathered, made), made)
    _end(this, "SUCCESS", made.result, None)
    _tell_parent(this, "done", made.result, made)
    return made.result


def _answer_again(this: Run, record: Record) -> Mapping[str, Any]:
    """The job ended, but its message came again: its worker died before Celery had stored the result."""
    result = record.result or {}
    if record.outcome == "SUCCESS":
        _tell_parent(this, "done", result, Made(result, float(result.get("duration_s", 0))))
        return result
    _stop_if_cancelled(this)
    if not record.error:
        raise Ignore("the job has ended")
    error = errors.named(record.error["type"])(record.error["message"])
    _tell_parent(this, "failed", {"error": record.error, "result": record.result})
    raise error


def _stop_if_cancelled(this: Run) -> None:
    """End a run of a cancelled job with what Celery itself does for a revoked task; else do nothing."""
    if not this.ledger.queries.cancelled([this.job_id]):
        return
    _tell_parent(this, "failed", CANCELLED)
    this.task.backend.mark_as_revoked(this.job_id, REASON, request=this.task.request)
    this.task.send_event("task-revoked", terminated=False, signum=None, expired=False)
    raise Ignore("the job was cancelled")


def _end(this: Run, outcome: FinalState, result: Mapping[str, Any] | None, error: Mapping[str, Any] | None) -> None:
    """End the job, or stop where somebody was first: with a cancelling, or with trying its failed parts again."""
    if this.ledger.transitions.end(this.job_id, this.kind.name, outcome, result, error):
        return
    _stop_if_cancelled(this)
    record = this.ledger.queries.record(this.job_id)
    if record is not None and record.state == "open":
        raise Ignore("its parts are tried again: this run was overtaken")


def _fail(this: Run, error: SlotlineError, made: Made | None) -> NoReturn:
    told = {"type": type(error).__name__, "message": str(error)}
    result = made.result if made else None
    _end(this, "FAILURE", result, told)
    _tell_parent(this, "failed", {"error": told, "result": result}, made)
    raise error


def _tell_parent(this: Run, verdict: Any, outcome: Mapping[str, Any], made: Made | None = None) -> None:
    if this.parent:
        job_id, part = this.parent
        computed, audio_s = (made.computed, made.audio_s) if made else (0, 0.0)
        this.ledger.transitions.settle(job_id, part, verdict, outcome, computed, audio_s)


def _parts_failed(kind: Kind, gathered: Gathered, made: Made) -> PartsFailed:
    failed = {part: outcome["error"] for part, outcome in sorted(gathered.outcomes.items()) if "error" in outcome}
    named = "; ".join(
        f"{part} («{words_of(gathered.payloads[part - 1])}»): {error['message']}"
        for part, error in list(failed.items())[:NAMED_FAILURES]
    )
    more = f"; and {len(failed) - NAMED_FAILURES} more" if len(failed) > NAMED_FAILURES else ""
    kept = f". {made.kept}" if made.kept else ""
    return PartsFailed(f"{len(failed)} of {gathered.record.total} {kind.unit}s failed: {named}{more}{kept}")


def part_of(fields: Mapping[str, Any]) -> tuple[str, int] | None:
    """Of which job, and which part of it, a message is; None for a task that stands alone. Raises `InvalidInput`."""
    if "job" not in fields and "part" not in fields:
        return None
    try:
        job_id, part = str(fields["job"]), int(fields["part"])
    except (KeyError, TypeError, ValueError) as exc:
        raise InvalidInput(f"job, part: not a part of a job ({exc!r})") from exc
    if part < 1:  # to the ledger's scripts 0 is no part, and less counts from the end
        raise InvalidInput(f"part: {part} is no part of a job; they are counted from 1")
    return job_id, part


def words_of(payload: str, limit: int = 40) -> str:
    """The beginning of a payload that a person can read: its first line without the flag."""
    words = payload[1:].partition("\n")[0]
    return words if len(words) <= limit else words[: limit - 1] + "…"


def as_slotline_error(error: BaseException) -> SlotlineError:
    """Any failure of a part in the one error tree, its own words kept."""
    if isinstance(error, SlotlineError):
        return error
    if isinstance(error, MemoryError):
        return errors.OutOfMemory(f"memory ran out: {error}" if str(error) else "memory ran out")
    return errors.ModelError(f"{type(error).__name__}: {error}")


def refuse_unknown(fields: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Raise `InvalidInput` for keyword arguments that no task of slotline takes."""
    if stray := sorted(set(fields) - allowed):
        raise InvalidInput(f"{stray[0]}: no such field; it may be {', '.join(sorted(allowed))}")
