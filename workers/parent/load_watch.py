"""Notices a load that takes longer than the model's limit. Each load has its own limit from its begin.

There is one watch per child. Waiting for the turn on a GPU does not count. It only decides when a load is overdue;
its owner decides what to do. Guarantee: the next load is watched even if a timer was lost. Celery cancels the timers
that were set while it connected, when that connection is lost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any


class LoadWatch:
    """Watches one child's loads. `is_loading`: whether one is running; `overdue` is called when it takes too long."""

    def __init__(
        self,
        loop: Any,
        limit_s: float,
        is_loading: Callable[[], bool],
        overdue: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = loop
        self._limit_s = limit_s
        self._is_loading = is_loading
        self._overdue = overdue
        self._clock = clock
        self._ends_at = math.inf
        self._timers = 0
        """How many were set; the last of them alone counts."""
        self._is_over = False

    def begin(self) -> None:
        """A load begins; its limit counts from now."""
        self._ends_at = self._clock() + self._limit_s
        self._schedule(self._limit_s)

    def pause(self) -> None:
        """The load waits for another worker: no limit until the next `begin`."""
        self._ends_at = math.inf

    def end(self) -> None:
        """The child has died."""
        self._is_over = True

    def _schedule(self, after_s: float) -> None:
        self._timers += 1
        self._loop.call_later(after_s, self._check, self._timers)

    def _check(self, timer: int) -> None:
        if timer != self._timers or self._is_over or not self._is_loading():
            return
        left_s = self._ends_at - self._clock()
        if left_s > 0:
            # Another load has begun since then, or the load waits for another worker.
            self._schedule(min(left_s, self._limit_s))
            return
        self._is_over = True
        self._overdue()
