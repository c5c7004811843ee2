"""Unloads a slot's model that has had nothing to do for a while, so that others may have its memory.

The child unloads when the pool sends it no other work. So a model in use is never unloaded,
and a request that arrives meanwhile waits and loads it again. A slot of many small models
also gives back those that are idle. The time-out is the pool's; remote control changes it
(`workers/duties/remote_control.py`).
"""

from __future__ import annotations

import logging
import time
from typing import Any

from workers.duties.duty import PeriodicDuty
from workers.parent.pool import SlotPool
from workers.wire.child_entry import Operation

logger = logging.getLogger(__name__)


class IdleUnload(PeriodicDuty):
    """Twice a second, looks for how long the pool has been idle, and unloads what was idle for its time."""

    interval_s = 0.5
    slot_workers_only = True

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._tidied_after: float | None = None
        self._tidy_at = 0.0

    def step(self) -> None:
        """Look once; unload the model, or have the child unload those of its many models that are idle."""
        pool: SlotPool = self.consumer.pool
        idle_s, timeout_s = pool.dispatcher.idle_s, pool.unload_timeout_s
        if idle_s is None:
            return
        if timeout_s and idle_s >= timeout_s:
            name = pool.spec.entry.name
            if pool.dispatcher.run_operation(Operation.UNLOAD):
                logger.info("%s was idle for %.0f s: it is unloaded, and loaded again by its next job", name, idle_s)
        elif pool.spec.entry.idle_timeout_minutes:
            self._tidy(pool)

    def _tidy(self, pool: SlotPool) -> None:
        """Once after each batch, and then when the next of the many models will have been idle for its time."""
        now = time.monotonic()
        is_due = self._tidied_after != pool.dispatcher.done_at or now >= self._tidy_at
        if is_due and pool.dispatcher.run_operation(Operation.TIDY, self._tidied):
            self._tidied_after = pool.dispatcher.done_at

    def _tidied(self, next_s: float | None) -> None:
        self._tidy_at = float("inf") if next_s is None else time.monotonic() + max(next_s, self.interval_s)
