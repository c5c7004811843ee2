"""Time limits that do not come from the catalog: a sender's, its task's, or this worker's own. Pure.

Celery has two, hard (`time_limit`) and soft (`soft_time_limit`, an error inside the task). No task of
slotline goes on after the soft one, so both mean the same here: the shorter one counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES = ("time_limit", "soft_time_limit")
SENDER, TASK, WORKER = "set by the sender", "set by its task", "set for this worker"


@dataclass(frozen=True)
class TimeLimit:
    """A limit in seconds; `name` is Celery's, `origin` who set it."""

    seconds: float
    name: str
    origin: str

    def __str__(self) -> str:
        """The limit in words: `time_limit=0.2 s, set by the sender`."""
        return f"{self.name}={self.seconds:g} s, {self.origin}"

    @property
    def is_the_senders(self) -> bool:
        """Whether the sender of the message has set it."""
        return self.origin == SENDER


def of_sender(headers: Mapping[str, Any]) -> TimeLimit | None:
    """The limit in a message's headers."""
    given = headers.get("timelimit")
    return shortest(given, SENDER) if isinstance(given, (list, tuple)) else None


def of_request(headers: Mapping[str, Any], hard_s: float | None, soft_s: float | None) -> TimeLimit | None:
    """The sender's limit, else the task's: Celery's worker gives `hard_s` and `soft_s`, of the one or the other."""
    return of_sender(headers) or shortest((hard_s, soft_s), TASK)


def shortest(given: Any, origin: str) -> TimeLimit | None:
    """The shorter of a hard and a soft limit, in this order; None if none is set."""
    if not any(given):  # of most messages
        return None
    limits = [TimeLimit(float(one), name, origin) for one, name in zip(given, NAMES, strict=False) if _is_limit(one)]
    return min(limits, key=lambda limit: limit.seconds, default=None)


def _is_limit(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0
