"""Cancelling, on the worker's side: what runs for a cancelled job stops at a safe point, or is killed.

Adds the remote control command `slotline_cancel`. Celery's own `revoke` and `terminate`
also cancel the jobs that the ledger knows. A command may be lost, so in a slot worker a
periodic duty asks the ledger about the running batch as well. Guarantees: the child is
killed only when all requests of its batch are cancelled; a lost command costs one interval
of that duty.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

from celery.utils.functional import maybe_list
from celery.worker.control import control_command
from redis import RedisError

from tasks.flow.cancel import COMMAND, broadcast, cancel
from tasks.flow.connections import ledger
from tasks.redis.refusals import words
from tasks.settings import settings
from workers.duties.duty import PeriodicDuty
from workers.parent.pool import SlotPool
from workers.upstream.celery import wrap_command

logger = logging.getLogger(__name__)


def stop(pool: Any, ids: set[str]) -> int:
    """Stop what the pool's child runs for these jobs or tasks; gives the number of requests.

    The child gets a message at once. When all requests of its batch are cancelled, and it still
    runs after the grace, it is killed.
    """
    batch = pool.dispatcher.batch if isinstance(pool, SlotPool) else None
    if batch is None:
        return 0
    cancelled = [one for one in batch.requests if not one.is_cancelled and not ids.isdisjoint(one.ids)]
    if not cancelled:
        return 0
    pool.losses.cancel(cancelled)
    if all(one.is_cancelled for one in batch.requests):
        grace_s = settings().cancel_grace_s
        why = f"{len(batch.requests)} cancelled requests did not stop within {grace_s:g} s"
        pool.supervisor.loop.call_later(grace_s, pool.losses.stop_running, batch, why)
    return len(cancelled)


@control_command(name=COMMAND, visible=False)
def slotline_cancel(state: Any, ids: Iterable[str], **_: Any) -> dict[str, Any]:
    """Stop what runs for these cancelled jobs or tasks."""
    return {"ok": stop(state.consumer.pool, set(ids))}


def _revoking(original: Callable[..., Any]) -> Callable[..., Any]:
    """Celery's command, which first cancels in the ledger the jobs among its ids."""

    @functools.wraps(original)
    def revoke(state: Any, task_id: Any, **kwargs: Any) -> Any:
        try:
            for one in maybe_list(task_id) or []:
                _cancel(state, str(one))
        except RedisError as exc:
            logger.warning("revoked, but not cancelled in the ledger: %s", words(exc))
        return original(state, task_id=task_id, **kwargs)

    return revoke


def _cancel(state: Any, task_id: str) -> None:
    """Cancel it in the ledger. What is not recorded there (a task without a job) is left to Celery."""
    stop_in_others = broadcast(state.app)

    def stop_everywhere(ids: Iterable[str]) -> None:
        stop_in_others(list(ids))
        stop(state.consumer.pool, set(ids))

    cancel(ledger(state.app), task_id, stop_everywhere)


def install() -> None:
    """Wrap Celery's own commands; harmless twice."""
    for name in ("revoke", "terminate"):
        wrap_command(name, _revoking)


class Cancel(PeriodicDuty):
    """Every few seconds, stops what runs for jobs whose cancellation did not reach this worker as a message."""

    interval_s = 5.0
    slot_workers_only = True

    def step(self) -> None:
        """Ask the ledger once about the jobs and tasks of the running batch."""
        pool = self.consumer.pool
        batch = pool.dispatcher.batch
        ids = {one for request in batch.requests for one in request.ids} if batch else set()
        if ids and (cancelled := ledger(self.consumer.app).queries.cancelled(ids)):
            stop(pool, cancelled)
