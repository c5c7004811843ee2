"""How long a job will still take, from what this run has computed. Pure: time is passed in.

Work that was found done (in the store, or by an earlier run) takes no time and does not
help to estimate the rest, so only computed work counts towards the pace.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 300.0
"""The pace is that of the last minutes: slots come and go."""


class Eta:
    """The pace of one job. Work is counted in any one unit: characters of a reading, parts of another job."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, float]] = deque()

    def add(self, now_s: float, computed: float) -> None:
        """Note the work computed so far; the first call is where this run begins."""
        if self._seen and computed <= self._seen[-1][1]:
            return
        self._seen.append((now_s, computed))
        # Keep one sample at or before the window's edge: the pace spans the whole window.
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
