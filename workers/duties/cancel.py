"""Cancelling, on the worker's side: what runs for a cancelled job stops at a safe point, or is killed.

Adds the remote control command `slotline_cancel`. Celery's own `revoke` and `terminate`
first cancel in the ledger, also what the ledger does not know (a task without a job that waits).
A command may be lost with the connection to the broker. So in a slot worker a periodic duty asks the ledger
about what is in flight as well. Guarantees: a revocation is in Redis before a worker acts on it; the child is killed
only when all requests of its run are cancelled; a lost command costs one interval of that duty.
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
from tasks.messages.lookup import task_names
from tasks.redis.refusals import words
from tasks.redis.task_id import fault_of
from workers.duties.duty import ConsumerDuty, PeriodicDuty
from workers.parent.pool import SlotPool
from workers.upstream.celery import forget_revoked, guard_tasks, wrap_command

logger = logging.getLogger(__name__)


def stop(pool: Any, ids: set[str]) -> int:
    """Stop what was handed over for these jobs or tasks; gives the number of requests.

    Sidecar and child get a message at once. When all requests of the run that the child computes are cancelled, and it
    still computes after the grace, it is killed (`workers/parent/pipeline/watch.py`).
    """
    if not isinstance(pool, SlotPool):
        return 0
    cancelled = [one for _, _, _, one in pool.flight.requests if not one.is_cancelled and not ids.isdisjoint(one.ids)]
    if cancelled:
        pool.losses.cancel(cancelled)
    return len(cancelled)


@control_command(name=COMMAND, visible=False)
def slotline_cancel(state: Any, ids: Iterable[str], **_: Any) -> dict[str, Any]:
    """Stop what runs for these cancelled jobs or tasks."""
    return {"ok": stop(state.consumer.pool, set(ids))}


def _revoking(original: Callable[..., Any]) -> Callable[..., Any]:
    """Celery's command, which first cancels the ids in the ledger. What cannot be recorded is not revoked."""

    @functools.wraps(original)
    def revoke(state: Any, task_id: Any, **kwargs: Any) -> Any:
        ids = list(maybe_list(task_id) or [])
        if why := next(filter(None, map(fault_of, ids)), ""):
            return {"error": f"revoke: {why}"}
        try:
            for one in ids:
                cancel(ledger(state.app), one, broadcast(state.app), even_unknown=True)
            stop(state.consumer.pool, ledger(state.app).queries.cancelled(ids))
        except RedisError as exc:
            logger.warning("a revocation is refused, because it cannot be recorded: %s", words(exc))
            return {"error": f"revoke: it cannot be recorded: {words(exc)}"}
        return original(state, task_id=task_id, **kwargs)

    return revoke


class RevokedInRedis(ConsumerDuty):
    """For slotline's own tasks the ledger alone says what is revoked: Celery's memory is not asked when one arrives.

    Celery keeps an id for three hours, in this process or in a file (`--statedb`), also after the task has ended. What
    waits inside this worker when a revocation comes is still dropped by Celery's memory.
    """

    def start(self, consumer: Any) -> None:
        """Called before the consumer's loop, which reads its handlers once, when it begins."""
        guard_tasks(consumer, self._guarded)

    def _guarded(self, receive: Callable[..., Any]) -> Callable[..., Any]:
        def receive_anew(message: Any, *rest: Any) -> Any:
            headers = message.headers if isinstance(message.headers, dict) else {}
            if isinstance(headers.get("id"), str) and headers.get("task") in task_names():
                forget_revoked(headers["id"])
            return receive(message, *rest)

        return receive_anew


def install() -> None:
    """Wrap Celery's own commands; harmless twice."""
    for name in ("revoke", "terminate"):
        wrap_command(name, _revoking)


class Cancel(PeriodicDuty):
    """Every few seconds, stops what runs for jobs whose cancellation did not reach this worker as a message."""

    interval_s = 5.0
    slot_workers_only = True

    def step(self) -> None:
        """Ask the ledger once about the jobs and tasks of all that is in flight."""
        pool: SlotPool = self.consumer.pool
        ids = {one for _, _, _, request in pool.flight.requests if not request.is_cancelled for one in request.ids}
        if ids and (cancelled := ledger(self.consumer.app).queries.cancelled(ids)):
            stop(pool, cancelled)
