"""How long parts of a model take in a slot, by their size: a line through what was measured. Pure.

What is measured, and how old samples fade, is in `tasks/redis/lua/pace.lua`. Here it is read: parts of one class of
sizes have a mean size and a mean time, and a line through these points says the seconds of a part of any size. Neither
of its two numbers is ever negative: a longer part never takes less time, and no part less than none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CLASS_PREFIX = b"s"
GROWN = b"grown"

TOGETHER_S = 3600.0
"""What was measured so much earlier than the newest sample says nothing of today's model, or of today's slots."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one class of sizes: sums over the last samples, and when the newest was."""

    samples: int
    parts: float
    size: float
    seconds: float
    at_s: float


@dataclass(frozen=True)
class Pace:
    """The seconds of one slot for a part of any size: `part_s` for each part, `unit_s` for each unit of its size."""

    part_s: float
    unit_s: float
    mean_size: float
    """Of the parts that were measured."""
    samples: int

    def seconds(self, parts: float, size: float) -> float:
        """The seconds of one slot for so many parts, of so much together."""
        return self.part_s * parts + self.unit_s * size

    def parts_in(self, size: float) -> float:
        """How many parts an input of this size has probably; one at least."""
        return max(1.0, size / self.mean_size) if self.mean_size > 0 else 1.0


def fitted(classes: Iterable[Measured]) -> Pace | None:
    """The line through what was measured; None if nothing was."""
    every = [one for one in classes if one.samples > 0 and one.parts > 0]
    if not every:
        return None
    newest_s = max(one.at_s for one in every)
    used = [one for one in every if newest_s - one.at_s <= TOGETHER_S]
    part_s, unit_s = _line([(one.samples, one.size / one.parts, one.seconds / one.parts) for one in used])
    mean_size = sum(one.size for one in used) / sum(one.parts for one in used)
    return Pace(part_s, unit_s, mean_size, sum(one.samples for one in used))


def read(found: Mapping[bytes, bytes]) -> Pace | None:
    """The pace in the hash of a model, or of the end of a kind's jobs; fields that are not known are left out."""
    return fitted(_measured(value) for name, value in found.items() if name.startswith(CLASS_PREFIX))


def growth(found: Mapping[bytes, bytes]) -> float:
    """How many parts a job of a kind has at its end for each one that it was opened with: 1 unless it was extended."""
    raw = found.get(GROWN)
    if raw is None:
        return 1.0
    _, opened, ended = map(float, raw.split()[:3])
    return max(1.0, ended / opened) if opened > 0 else 1.0


def _measured(raw: bytes) -> Measured:
    samples, parts, size, ms, at_ms = map(float, raw.split()[:5])
    return Measured(int(samples), parts, size, ms / 1000, at_ms / 1000)


def _line(points: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Height at 0 and slope, neither negative, of the line nearest to points of a weight, a size and seconds."""
    weight = sum(w for w, _, _ in points)
    mean_x = sum(w * x for w, x, _ in points) / weight
    mean_y = sum(w * y for w, _, y in points) / weight
    spread = sum(w * (x - mean_x) ** 2 for w, x, _ in points)
    if spread <= 1e-9 * weight * mean_x**2:  # parts of one size: twice the text takes twice the time
        return (0.0, mean_y / mean_x) if mean_x > 0 else (mean_y, 0.0)
    slope = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in points) / spread
    if slope <= 0:
        return mean_y, 0.0
    if (height := mean_y - slope * mean_x) >= 0:
        return height, slope
    return 0.0, sum(w * x * y for w, x, y in points) / sum(w * x * x for w, x, _ in points)
