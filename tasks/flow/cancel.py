"""Cancelling: a job ends as REVOKED at once, and the workers that compute for it are asked to stop.

The ledger decides (`ledger/lua/cancel.lua`); this adds what follows from it: a job that is a
part of another, which goes on, becomes a failed part there, and the workers are notified by
Celery's own remote control (`workers/duties/cancel.py` answers). A worker that misses the
notice does no harm: a part of a cancelled job is dropped when it is taken, and settles
nothing when it ends. A delayed message of what was cancelled is let go by the sweeper (`ledger/delayed.py`).
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
"""Name of the remote control command; its argument `ids` lists jobs, or tasks without a job."""

REASON = "cancelled"
CANCELLED: dict[str, Any] = {"error": {"type": "JobCancelled", "message": REASON}}
"""The outcome of a part that was cancelled while its job goes on."""

Notify = Callable[[Sequence[str]], None]
"""Sends workers the ids that they must stop."""


def cancel(ledger: Ledger, job_id: str, notify: Notify, even_unknown: bool = False) -> bool:
    """End a job, and all jobs under it, as REVOKED; False when it had ended or is not known.

    An id of one open part cancels that part, which fails in its job. `even_unknown` cancels an id
    that is not recorded too: a task without a job, or a job whose message waits in the queue.
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
        notify(ids)
    return bool(ids)


def part_named(ledger: Ledger, part_id: str) -> tuple[str, int] | None:
    """The recorded job, and the part of it, that an id names (`<job>.<part>`), or None."""
    job_id, _, part = part_id.rpartition(".")
    if not job_id or not part.isdecimal() or int(part) < 1 or ledger.queries.record(job_id) is None:
        return None
    return job_id, int(part)


def broadcast(app: Celery) -> Notify:
    """Notifies all workers of the application's broker; where the broker does not answer, that is only logged."""

    def notify(ids: Sequence[str]) -> None:
        from kombu.exceptions import OperationalError

        try:
            app.control.broadcast(COMMAND, arguments={"ids": list(ids)})
        except (OperationalError, OSError) as exc:
            logger.warning("cancelled, but workers could not be notified to stop what runs: %s", exc)

    return notify
