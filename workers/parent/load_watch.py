"""Ends a child whose load takes longer than the model's limit: each load has its time from its own begin.

One a child. Waiting for the turn to load on a GPU takes none of that time. It decides when; what is then done is
the owner's. Guarantee: a timer that the event loop has forgotten, as it does when the broker is lost, costs the next
load nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any


class LoadWatch:
    """The time of one child's loads; `is_loading` says whether one goes on, `overdue` is called when it is too long."""

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
        """A load begins: it has its time from now on."""
        self._ends_at = self._clock() + self._limit_s
        self._schedule(self._limit_s)

    def pause(self) -> None:
        """Others load first: no time runs until the next `begin`."""
        self._ends_at = math.inf

    def end(self) -> None:
        """The child is gone."""
        self._is_over = True

    def _schedule(self, after_s: float) -> None:
        self._timers += 1
        self._loop.call_later(after_s, self._check, self._timers)

    def _check(self, timer: int) -> None:
        if timer != self._timers or self._is_over or not self._is_loading():
            return
        left_s = self._ends_at - self._clock()
        if left_s > 0:
            # Another load was begun meanwhile, or it waits for others.
            self._schedule(min(left_s, self._limit_s))
            return
        self._is_over = True
        self._overdue()
