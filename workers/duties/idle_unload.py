"""Unloads a slot's model that has had nothing to do for a while, so that others may have its memory.

A bootstep of a slot worker's consumer: on a beat it looks how long the pool has been idle,
and sends the child on an errand through it, so that a model in use is never unloaded and
what arrives meanwhile waits, and loads it again. It also lets a slot of many small models
give back those that are idle. The time-out is the pool's, and changed over control
(`workers/duties/remote_control.py`).
"""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import bootsteps

from workers.parent.pool import SlotPool

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5


class IdleWatch(bootsteps.StartStopStep):
    """Consumer bootstep of slot workers."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self._timer: Any = None
        self._tidied_after: float | None = None
        self._tidy_at = 0.0
        super().__init__(consumer, **kwargs)

    def include_if(self, consumer: Any) -> bool:
        """Only slot workers have a model."""
        return isinstance(consumer.pool, SlotPool)

    def start(self, consumer: Any) -> None:
        """Called for every new connection."""
        self.stop(consumer)
        self._timer = consumer.timer.call_repeatedly(LOOK_EVERY_S, self.step, (consumer.pool,))

    def stop(self, consumer: Any) -> None:
        """No further look."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    shutdown = stop

    def step(self, pool: SlotPool) -> None:
        """One look."""
        idle_s, timeout_s = pool.idle_s, pool.unload_timeout_s
        if idle_s is None:
            return
        if timeout_s and idle_s >= timeout_s:
            name = pool.spec.entry.name
            if pool.send("unload"):
                logger.info("%s was idle for %.0f s: it is unloaded, and loaded again by its next job", name, idle_s)
        elif pool.spec.entry.idle_timeout_minutes:
            self._tidy(pool)

    def _tidy(self, pool: SlotPool) -> None:
        """Once after each batch, and then when the next of the many models will have been idle for its time."""
        now = time.monotonic()
        is_due = self._tidied_after != pool.done_at or now >= self._tidy_at
        if is_due and pool.send("tidy", self._tidied):
            self._tidied_after = pool.done_at

    def _tidied(self, next_s: float | None) -> None:
        self._tidy_at = float("inf") if next_s is None else time.monotonic() + max(next_s, LOOK_EVERY_S)
