"""One round over a store: what is to be removed in it, what was seen, and what the next round removes. Pure.

A round looks at each artifact once. Those that were not used for `ttl_s` are removed at once. For the size of the
store two rounds are needed: the first adds up how much lies there by the hour of its last use, the second removes
the oldest hours, as much as is too much. Texts are removed by age alone: they are small, and no model makes them again.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Literal

from tasks.store.artifacts import TEXT_KIND
from tasks.store.contents import Stored

Verdict = Literal["keep", "needed", "old", "room"]

HOUR_S = 3600.0
FRESH_S = 600.0
"""What was written or used in this time is never removed: its job may not have recorded it yet."""


@dataclass(frozen=True)
class Limits:
    """The longest time without a use, and the largest store (None: no limit); what is fresher than `fresh_s` stays."""

    ttl_s: float | None
    max_bytes: int | None
    fresh_s: float = FRESH_S


@dataclass(frozen=True)
class Room:
    """What a round removes for the size: all of the hours before `hour`, and of this hour until `rest_bytes` are gone.

    An hour is that of the last use, since 1970.
    """

    hour: int
    rest_bytes: int


@dataclass
class Round:
    """What one round has seen and removed so far, up to the folder `cursor`; times are seconds since 1970."""

    began_s: float
    room: Room | None = None
    cursor: str = ""
    busy_s: float = 0.0
    left: int = 0
    left_bytes: int = 0
    removed: int = 0
    removed_bytes: int = 0
    needed: int = 0
    """Artifacts that would have been removed, but open jobs need them."""
    hours: dict[int, int] = field(default_factory=dict)
    """Hour of the last use -> bytes that may be removed for the size."""

    def verdict(self, stored: Stored, needed: frozenset[bytes] | set[bytes], limits: Limits, now_s: float) -> Verdict:
        """Whether to remove it (`old`, `room`), and if not, whether only because an open job needs it."""
        unused_s = now_s - stored.used_s
        # Without a time nothing is known about its age.
        if not stored.used_s or unused_s < limits.fresh_s:
            return "keep"
        is_old = limits.ttl_s is not None and unused_s >= limits.ttl_s
        is_too_much = self._is_too_much(stored)
        if not is_old and not is_too_much:
            return "keep"
        if stored.name.encode() in needed:
            return "needed"
        return "old" if is_old else "room"

    def count(self, stored: Stored, verdict: Verdict, limits: Limits, now_s: float) -> None:
        """Count it as what became of it."""
        if verdict in ("old", "room"):
            self.removed += 1
            self.removed_bytes += stored.bytes
            if verdict == "room" and self.room and _hour(stored) == self.room.hour:
                self.room = Room(self.room.hour, self.room.rest_bytes - stored.bytes)
            return
        self.left += 1
        self.left_bytes += stored.bytes
        if verdict == "needed":
            self.needed += 1
        elif stored.used_s and now_s - stored.used_s >= limits.fresh_s and not _is_text(stored):
            hour = _hour(stored)
            self.hours[hour] = self.hours.get(hour, 0) + stored.bytes

    def next_room(self, limits: Limits) -> Room | None:
        """What the next round must remove for the size; None if the store is small enough, or nothing can go."""
        excess = self.left_bytes - limits.max_bytes if limits.max_bytes is not None else 0
        if excess <= 0 or not self.hours:
            return None
        for hour in sorted(self.hours):
            if self.hours[hour] >= excess:
                return Room(hour, excess)
            excess -= self.hours[hour]
        return Room(max(self.hours) + 1, 0)

    def to_json(self) -> str:
        """The round as text; `from_json` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Round:
        """The round that was written; raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        found = json.loads(text)
        found["hours"] = {int(hour): size for hour, size in found["hours"].items()}
        found["room"] = Room(**found["room"]) if found["room"] else None
        return cls(**found)

    def _is_too_much(self, stored: Stored) -> bool:
        if self.room is None or _is_text(stored):
            return False
        hour = _hour(stored)
        return hour < self.room.hour or (hour == self.room.hour and self.room.rest_bytes > 0)


def _hour(stored: Stored) -> int:
    return math.floor(stored.used_s / HOUR_S)


def _is_text(stored: Stored) -> bool:
    return stored.name.startswith(f"{TEXT_KIND}/")
