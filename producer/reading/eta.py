"""Estimates how long a job will still take. Pure: time is passed in.

Parts that were found in the store took no time and do not help to estimate the rest, so only
parts that were computed now count.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 300.0
"""Only the last minutes count, because the number of slots changes."""


class Eta:
    """The pace of one job. Work is counted in any one unit: characters of a reading, parts of another job."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, float]] = deque()

    def add(self, now_s: float, computed: float) -> None:
        """Add the work that is computed so far; the first call is the start."""
        if self._seen and computed <= self._seen[-1][1]:
            return
        self._seen.append((now_s, computed))
        # Keep one sample at or before the start of the window, so that the pace covers the whole window.
        while len(self._seen) > 2 and self._seen[1][0] <= now_s - self._window_s:
            self._seen.popleft()

    def left_s(self, now_s: float, remaining: float) -> float | None:
        """Seconds until `remaining` work is done at this pace; None while nothing has been computed."""
        if len(self._seen) < 2:
            return None
        (began_s, before), (_, computed) = self._seen[0], self._seen[-1]
        elapsed_s = now_s - began_s
        if elapsed_s <= 0:
            return None
        return remaining * elapsed_s / (computed - before)
