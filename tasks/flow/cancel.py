"""Cancelling: a job ends as REVOKED at once, and whoever computes for it is told to stop.

The ledger decides (`lua/cancel.lua`); this adds what follows from it: a chapter of a book
that goes on is a failed part there, and the slot workers hear of it by Celery's own
remote control (`workers/duties/cancel.py` answers). What nobody hears is no loss: a part of a
cancelled job is dropped when it is taken, and settles nothing when it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tasks.flow.ledger import Ledger

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)

COMMAND = "slotline_cancel"
"""Name of the remote control command; its argument `ids` lists jobs, or tasks that stand alone."""

REASON = "cancelled"
CANCELLED: dict[str, Any] = {"error": {"type": "JobCancelled", "message": REASON}}
"""The outcome of a part that was cancelled while its job goes on."""

Tell = Callable[[Sequence[str]], None]


def cancel(ledger: Ledger, job_id: str, tell: Tell, even_unknown: bool = False) -> bool:
    """End a job, and all jobs under it, as REVOKED; False when it had ended or is not known.

    `tell` gets the ids that workers are to stop. An id of one open part cancels that part,
    which fails in its job. `even_unknown` drops whatever comes under an id that nothing is
    recorded of: a task that stands alone, or a job whose message waits.
    """
    done = ledger.transitions.cancel(job_id)
    ids = done.ids
    if done.parent:
        ledger.transitions.settle(*done.parent, "failed", CANCELLED)
    elif done.is_unknown and (part := part_named(ledger, job_id)):
        ids = (job_id,) if ledger.transitions.settle(*part, "failed", CANCELLED) == "failed" else ()
    elif done.is_unknown and even_unknown:
        ids = ledger.transitions.cancel(job_id, even_unknown=True).ids
    if ids:
        tell(ids)
    return bool(ids)


def part_named(ledger: Ledger, part_id: str) -> tuple[str, int] | None:
    """The recorded job, and the part of it, that an id names (`<job>.<part>`), or None."""
    job_id, _, part = part_id.rpartition(".")
    if not job_id or not part.isdecimal() or int(part) < 1 or ledger.queries.record(job_id) is None:
        return None
    return job_id, int(part)


def broadcast(app: Celery) -> Tell:
    """How all workers of the application's broker are told; one that cannot be is only logged."""

    def tell(ids: Sequence[str]) -> None:
        from kombu.exceptions import OperationalError

        try:
            app.control.broadcast(COMMAND, arguments={"ids": list(ids)})
        except (OperationalError, OSError) as exc:
            logger.warning("cancelled, but workers could not be told to stop what runs: %s", exc)

    return tell
