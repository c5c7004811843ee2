"""Unloads a slot's model that was idle for some time, so that others can use its memory.

The pool sends this operation only to an idle child. So a model in use is never unloaded, and
a request that arrives in this time waits and loads it again. In a registry, single idle
models are unloaded too. The timeout is the pool's; remote control can change it
(`workers/duties/remote_control.py`).
"""

from __future__ import annotations

import logging
import time
from typing import Any

from workers.duties.duty import PeriodicDuty
from workers.parent.pool import SlotPool
from workers.wire.messages import Operation

logger = logging.getLogger(__name__)


class IdleUnload(PeriodicDuty):
    """Checks twice a second how long the pool has been idle, and unloads its model after the timeout."""

    interval_s = 0.5
    slot_workers_only = True

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._tidied_after: float | None = None
        self._tidy_at = 0.0

    def step(self) -> None:
        """Check once; unload the model, or let the child unload the idle models of its registry."""
        pool: SlotPool = self.consumer.pool
        idle_s, timeout_s = pool.dispatcher.idle_s, pool.idle_timeout.seconds
        if idle_s is None:
            return
        if timeout_s and idle_s >= timeout_s:
            name = pool.spec.entry.name
            if pool.dispatcher.run_operation(Operation.UNLOAD):
                origin = pool.idle_timeout.origin
                words = "%s was idle for %.0f s (%s): it is unloaded, and its next job loads it again"
                logger.info(words, name, idle_s, origin)
        elif pool.spec.entry.is_registry and pool.spec.entry.idle_timeout_minutes:
            self._tidy(pool)

    def _tidy(self, pool: SlotPool) -> None:
        """Run `tidy` once after each batch, and again when the next model of the registry will be idle for too long."""
        now = time.monotonic()
        is_due = self._tidied_after != pool.dispatcher.done_at or now >= self._tidy_at
        if is_due and pool.dispatcher.run_operation(Operation.TIDY, self._tidied):
            self._tidied_after = pool.dispatcher.done_at

    def _tidied(self, next_s: float | None) -> None:
        self._tidy_at = float("inf") if next_s is None else time.monotonic() + max(next_s, self.interval_s)
