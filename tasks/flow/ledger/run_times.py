"""How long parts took that a slot has computed: its ends, gathered, to be noted in Redis a few times a second. Pure.

A slot computes one thing after the other, so the time between two ends is what the later one took, however early it was
claimed. Only Redis knows when the claim was, so `lua/pace.lua` computes the time. Here it is decided when Redis is told
of which ends: to note each end of very short parts would cost it a third of a settle for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.redis.scripts import ScriptRun

EVERY_S = 0.05
MOST_ENDS = 16
"""So many ends are noted at once, at most: the others of this time took as long, and are left out."""

Part = tuple[str, int]
"""A job and the number of its part."""


@dataclass(frozen=True)
class Ended:
    """Parts that ended together `ago_s` ago, `since_s` after the end before them (None: there was none).

    The first of them was claimed first.
    """

    parts: Sequence[Part]
    ago_s: float
    since_s: float | None


class RunTimes:
    """The ends of one slot's runs; `now_s` is of any steady clock."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._noted_s: float | None = None
        self._waiting: list[tuple[Sequence[Part], float, float | None]] = []

    def end(self, now_s: float, parts: Sequence[Part]) -> list[Ended]:
        """Parts have ended that were computed (none: something else was, which took its time); what to note now."""
        since_s = None if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        if parts and len(self._waiting) < MOST_ENDS:
            self._waiting.append((parts, now_s, since_s))
        if not self._waiting or (self._noted_s is not None and now_s - self._noted_s < EVERY_S):
            return []
        ended = [Ended(parts, now_s - at_s, before_s) for parts, at_s, before_s in self._waiting]
        self._noted_s, self._waiting = now_s, []
        return ended


def noting(ended: Sequence[Ended]) -> list[ScriptRun]:
    """The run of `pace.lua` that notes how long these took; none if nothing has ended."""
    args: list[str | int] = []
    for one in ended:
        since_ms = -1 if one.since_s is None else round(one.since_s * 1000)
        args += [round(one.ago_s * 1000), since_ms, len(one.parts)]
        args += [value for part in one.parts for value in part]
    return [("pace", [], args)] if args else []
