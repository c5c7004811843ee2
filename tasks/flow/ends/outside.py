"""Ends a job as FAILURE without a run of its task: its child dies each time, its message is lost or cannot be read, or
its `timeout_s` is over.

Changes the ledger only. Celery's result is the caller's, after this, and only if it returns True: so the two agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.errors import MessageLost, SlotlineError, TimeoutOver
from tasks.flow.cancel import part_named
from tasks.flow.ends.about import about, fields_in
from tasks.flow.ends.failure import error_fields, may_be_tried_again
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import LOSSES_ALLOWED
from tasks.flow.ledger.record import OwnMessage


@dataclass(frozen=True)
class Failing:
    """A job that is about to fail as a whole: its kind, the job and part that it is, and its own message, if known."""

    job_id: str
    kind: str
    parent: tuple[str, int] | None
    error: SlotlineError
    own: OwnMessage | None = None


def fail(ledger: Ledger, one: Failing) -> bool:
    """End the job, and fail the part that it is; False, and nothing is changed, when it is open or has ended."""
    named = error_fields(one.error)
    again = one.own if may_be_tried_again(one.error) else None
    shown = about(ledger, fields_in(one.own), one.parent)
    is_listed = one.parent is None
    if not ledger.transitions.end(one.job_id, one.kind, "FAILURE", None, named, again, is_listed, shown):
        return False
    if one.parent:
        ledger.transitions.settle(*one.parent, "failed", {"error": named, "result": None})
    return True


def fail_refused(ledger: Ledger, task_id: str, tag: str, error: SlotlineError) -> bool:
    """End what a message that no worker can read belongs to: the job whose own it is, or the part.

    Returns whether the id's result is this error from now on; False if the id has a result or a job that is not
    this message's.
    """
    part, record = part_named(ledger, task_id), ledger.queries.record(task_id)
    if record is not None:
        is_own = ledger.queries.is_message_of(task_id, tag) or _is_parts(ledger, part, tag)
        return is_own and fail(ledger, Failing(task_id, record.kind, part, error))
    if part is not None:
        return _is_parts(ledger, part, tag) and fail_part(ledger, *part, error)
    return not ledger.queries.exists(task_id)


def fail_lost(ledger: Ledger, job_id: str, what: str) -> SlotlineError | None:
    """End the job, or the part (`what` is its number), whose message is lost each time it is sent.

    Returns the error of a job that has ended with it.
    """
    error = MessageLost(
        f"its message was lost {LOSSES_ALLOWED + 1} times before a worker began with it: was the queue purged, or does "
        "a worker read it that is not slotline's? `slotline failed` lists messages that could not be read"
    )
    if what.isdecimal():
        fail_part(ledger, job_id, int(what), error)
        return None
    record = ledger.queries.record(job_id)
    own = ledger.queries.own_message(job_id)
    if record is None or not fail(ledger, Failing(job_id, record.kind, part_named(ledger, job_id), error, own)):
        return None
    return error


def fail_overdue(ledger: Ledger, task_id: str, timeout_s: float) -> SlotlineError | None:
    """End a job, or a task without one that is not begun, whose `timeout_s` is over; its error if it has ended with it.

    What is being finished may end. Messages of its parts are dropped when they are taken.
    """
    error = TimeoutOver.of(timeout_s)
    return error if ledger.transitions.time_out(task_id, error_fields(error)) else None


def fail_part(ledger: Ledger, job_id: str, part: int, error: SlotlineError) -> bool:
    """Fail one part of a job; False when it has ended, or the job has."""
    return ledger.transitions.settle(job_id, part, "failed", {"error": error_fields(error)}) == "failed"


def _is_parts(ledger: Ledger, part: tuple[str, int] | None, tag: str) -> bool:
    return part is not None and ledger.queries.is_message_of(part[0], tag, part[1])
