"""What failed for good, listed with its reason, and tried again when a person asks for it.

Four things fail: a part of a job (its failure is in the ledger), a job as a whole (it could
not be opened or finished; in the ledger as its part 0), a task without a job whose attempts
are used up, and a message that no worker could read (both are set aside, whole, in
`slotline:setaside`). A part that is tried again reopens its job, and the jobs above it, so
that all can still end SUCCESS. Computes nothing, waits for nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.errors import InvalidInput, UnknownJob
from tasks.flow.cancel import part_named
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import FAILED, Record
from tasks.flow.ledger.set_asides import task_id_of
from tasks.flow.payloads import words_of
from tasks.redis import keys, task_id

SET_ASIDE_SHOWN = 1000
"""Of the messages set aside, the latest so many are listed."""


@dataclass(frozen=True)
class Failure:
    """One thing that failed for good. `at` is seconds since 1970; `job` is None for a message of no job."""

    id: str
    job: str | None
    reason: str
    words: str
    at: float
    attempts: int = 0
    worker: str = ""
    traceback: str = ""


def failures(ledger: Ledger, limit: int = 1000) -> list[Failure]:
    """All that failed for good, the latest first; a part that is a job itself is listed by its own failed parts."""
    found = [*_failed_parts(ledger, limit), *_set_aside(ledger)]
    return sorted(found, key=lambda failure: -failure.at)[:limit]


def retry(ledger: Ledger, what: str) -> int:
    """Try again a job's failed parts, a job as a whole, one part (`<job>.<part>`), or a set-aside message.

    Returns how many were sent.
    Raises `UnknownJob` for an id that names nothing that failed, `InvalidInput` for a job
    that has not failed, or for what no id can be.
    """
    task_id.check(what)
    if ledger.queries.record(what) is not None:
        return _retry_job(ledger, what)
    job_id, _, part = what.rpartition(".")
    if job_id and part.isdigit() and ledger.queries.record(job_id) is not None:
        return _retry_parts(ledger, job_id, [int(part)])
    if sent := _resend(ledger, what):
        return sent
    raise UnknownJob(f"id: nothing that failed is called {what!r}; `slotline failed` lists what did")


def retry_all(ledger: Ledger) -> int:
    """Try again everything that failed for good; how many were sent."""
    sent = 0
    parts: dict[str, list[int]] = {}
    for failure in failures(ledger):
        if failure.job is None:
            sent += _resend(ledger, failure.id)
        elif failure.id == failure.job:
            sent += _retry_job(ledger, failure.id)
        else:
            job_id, part = _split(failure.id)
            parts.setdefault(job_id, []).extend(part)
    for job_id in parts:
        _open_above(ledger, _record(ledger, job_id))
    return sent + sum(_retry_parts(ledger, job_id, numbers) for job_id, numbers in parts.items())


def _failed_parts(ledger: Ledger, limit: int) -> Iterator[Failure]:
    for job_id, part, at in ledger.queries.failed(limit):
        if part == 0:
            yield from _failed_as_a_whole(ledger, job_id, at)
            continue
        outcome = ledger.queries.outcome(job_id, part)
        if outcome is None or "error" not in outcome:
            continue
        below = ledger.queries.record(f"{job_id}.{part}")
        if below is not None and below.failed:
            continue  # a job whose own failed parts are listed
        error = outcome["error"]
        yield Failure(
            id=f"{job_id}.{part}",
            job=job_id,
            reason=f"{error['type']}: {error['message']}",
            words=words_of(ledger.queries.payload(job_id, part) or " "),
            at=at,
            attempts=int(error.get("attempt") or 0),
            worker=str(error.get("worker") or ""),
            traceback=str(error.get("traceback") or ""),
        )


def _failed_as_a_whole(ledger: Ledger, job_id: str, at: float) -> Iterator[Failure]:
    record = ledger.queries.record(job_id)
    if record is not None and record.error is not None:
        reason = f"{record.error['type']}: {record.error['message']}"
        yield Failure(id=job_id, job=job_id, reason=reason, words=record.title or record.kind, at=at)


def _set_aside(ledger: Ledger) -> Iterator[Failure]:
    for entry in ledger.set_asides.latest(SET_ASIDE_SHOWN):
        head, _, message = entry.partition(b"\n")
        about: dict[str, Any] = json.loads(head)
        yield Failure(
            id=_name_of(entry),
            job=None,
            reason=str(about["reason"]),
            words=f"{str(about['queue']).encode('ascii', 'replace').decode()}: "
            + message[:60].decode("utf-8", "replace"),
            at=float(about["time"]) / 1000,
        )


def _name_of(entry: bytes) -> str:
    return "message-" + hashlib.sha256(entry).hexdigest()[:12]


def _resend(ledger: Ledger, name: str) -> int:
    for entry in ledger.set_asides.latest(SET_ASIDE_SHOWN):
        if _name_of(entry) == name:
            head, _, message = entry.partition(b"\n")
            if sent := _resume(ledger, task_id_of(message)):
                ledger.set_asides.forget(entry)
                return sent
            return ledger.set_asides.resend(entry, str(json.loads(head)["queue"]), message)
    return 0


def _resume(ledger: Ledger, task_id: str) -> int:
    """Go on with the job or the part that failed because this message of it was set aside; 0 if it has none.

    A job that failed before it was opened is forgotten: the message begins it again.
    """
    part, record = part_named(ledger, task_id), ledger.queries.record(task_id)
    if part is not None:
        return _retry_parts(ledger, part[0], [part[1]])
    if record is None or record.outcome != "FAILURE":
        return 0
    if record.opened:
        return _retry_job(ledger, task_id)
    ledger.transitions.forget(task_id)
    return 0


def _split(part_id: str) -> tuple[str, list[int]]:
    job_id, _, part = part_id.rpartition(".")
    return job_id, [int(part)]


def _retry_job(ledger: Ledger, job_id: str) -> int:
    record = _record(ledger, job_id)
    if record.outcome != "FAILURE":
        raise InvalidInput(f"id: job {job_id} has not failed ({record.label})")
    failed = [part for part, mark in enumerate(ledger.queries.states(job_id), 1) if mark == FAILED]
    # A chapter that was never opened has no parent in its record; its id names it.
    if not failed and (part_of_job := part_named(ledger, job_id)) and not _is_anothers(ledger, record, part_of_job):
        return _retry_parts(ledger, part_of_job[0], [part_of_job[1]])
    if not failed:
        if ledger.transitions.begin_again(job_id):
            return 1
        raise InvalidInput(f"id: job {job_id} failed as a whole, and would fail again; submit it again, mended")
    return _retry_parts(ledger, job_id, failed)


def _retry_parts(ledger: Ledger, job_id: str, parts: list[int]) -> int:
    """Reopen from above: a job must be open before one of its parts can settle in it.

    All parts are put back before a message of the last step goes out: else the first could be done while another still
    counts as failed, and the job would end with that failure once more.
    """
    _open_above(ledger, _record(ledger, job_id))
    below = {part: failed for part in parts if (failed := _failed_below(ledger, job_id, part))}
    for part in below:
        ledger.transitions.reopen_above(job_id, part)
    sent = ledger.transitions.reopen(job_id, whole) if (whole := [part for part in parts if part not in below]) else 0
    return sent + sum(ledger.transitions.reopen(f"{job_id}.{part}", failed) for part, failed in below.items())


def _failed_below(ledger: Ledger, job_id: str, part: int) -> list[int]:
    """The failed parts of a part that is a job itself; none where it begins again as a whole."""
    below = f"{job_id}.{part}"
    child = ledger.queries.record(below)
    if child is None or _is_anothers(ledger, child, (job_id, part)):
        return []
    failed = [number for number, mark in enumerate(ledger.queries.states(below), 1) if mark == FAILED]
    if not failed:
        ledger.transitions.forget(below)  # it failed as a whole, not by its parts
    return failed


def _is_anothers(ledger: Ledger, record: Record, part: tuple[str, int]) -> bool:
    """Whether a job with the id of this part is another one: its sender chose the id. What it has made stays.

    A part that an older version failed before it was opened names neither its job nor its request.
    """
    return (record.parent_job, record.parent_part) != part and bool(ledger.queries.request_of(record.job_id))


def _open_above(ledger: Ledger, record: Record) -> None:
    if record.parent_job and record.parent_part and (above := ledger.queries.record(record.parent_job)):
        _open_above(ledger, above)
        ledger.transitions.reopen_above(record.parent_job, record.parent_part)


def _record(ledger: Ledger, job_id: str) -> Record:
    record = ledger.queries.record(job_id)
    if record is None:
        raise UnknownJob(f"id: no job {job_id!r} is recorded (any more): {keys.job(job_id)}")
    return record
