"""Ends a job as FAILURE without a run of its task: its child dies each time, its message is lost or cannot be read.

Changes the ledger only. Celery's result is the caller's, after this, and only if it returns True: so the two agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.errors import SlotlineError
from tasks.flow.ends.about import about, fields_in
from tasks.flow.ends.failure import error_fields, may_be_tried_again
from tasks.flow.ledger import Ledger
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
