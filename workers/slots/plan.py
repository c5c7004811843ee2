"""How many slots a GPU's memory holds, and the sum in words. Pure: all sizes are passed in.

Guarantee: the slots planned for a GPU never need more than its free memory, less the buffer
and less what is promised to slots whose model is not loaded now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

from tasks.settings import Settings

GB = 1024**3
"""A GB is 2^30 bytes everywhere, as in the systems whose settings are kept; a «24 GB» card shows 24.0."""

MOST_DIGITS = 3
MOST_TRIES = 10_000


@dataclass(frozen=True)
class Footprint:
    """The memory that one slot of a model takes, in bytes (None: not known yet), and where the figure comes from."""

    size_bytes: int | None
    source: str = ""

    def __str__(self) -> str:
        return "size not known yet" if self.size_bytes is None else f"{gb(self.size_bytes)} {self.source}"


@dataclass(frozen=True)
class Rules:
    """What the settings allow: memory left free on each GPU in bytes, and slots a model and GPU at most."""

    buffer_bytes: int
    most: int | None = None
    most_by: str = ""


@dataclass(frozen=True)
class Room:
    """A GPU as a planner sees it, in bytes; `held` counts the slots in use by model.

    `promised_bytes` belongs to `unloaded` slots in use whose model is not on the card now.
    """

    label: str
    free_bytes: int
    promised_bytes: int = 0
    unloaded: int = 0
    held: Mapping[str, int] = field(default_factory=dict)

    def usable_bytes(self, rules: Rules) -> int:
        """What new slots may take."""
        return max(0, self.free_bytes - self.promised_bytes - rules.buffer_bytes)


@dataclass(frozen=True)
class Answer:
    """How many slots of a model a GPU has room for beside those it holds, and the sum in words."""

    more: int
    reason: str


def rules(chosen: Settings) -> Rules:
    """The settings' rules for planning."""
    buffer_bytes = int(chosen.memory_buffer_gb * GB)
    if not chosen.multi_instances:
        return Rules(buffer_bytes, 1, "GPU_ENABLE_MULTI_MODEL_INSTANCES=false")
    return Rules(buffer_bytes, chosen.max_instances, "GPU_MAX_MODEL_INSTANCES")


def gb(size_bytes: float, digits: int = 1) -> str:
    """Bytes as people read them: `7.4`."""
    return f"{size_bytes / GB:.{digits}f}"


def instances(room: Room, model: str, footprint: Footprint, allowed: Rules) -> Answer:
    """How many more slots of `model` fit into `room`.

    Of a model whose size is not known, one: it is measured, and that decides about the next.
    """
    held = room.held.get(model, 0)
    usable = room.usable_bytes(allowed)
    size = footprint.size_bytes
    fit = int(usable > 0 and not held) if size is None else usable // max(size, 1)
    more = max(0, fit if allowed.most is None else min(fit, allowed.most - held))
    words = f"{_sum(room, footprint, allowed, fit)} → {fit}"
    if more < fit:
        words += f", at most {allowed.most} ({allowed.most_by})"
    if held:
        words = f"{held} held; {words}" + (" more" if more == fit else "")
    return Answer(more, words)


def _sum(room: Room, footprint: Footprint, allowed: Rules, fit: int) -> str:
    """The sum that gave `fit`, with enough digits that a reader who computes it gets the same result."""
    size = footprint.size_bytes
    for digits in range(1, MOST_DIGITS + 1):
        free, kept, buffer = (
            float(gb(part, digits)) for part in (room.free_bytes, room.promised_bytes, allowed.buffer_bytes)
        )
        each = None if size is None else float(gb(size, digits))
        if each is None or (each and floor(max(0.0, free - kept - buffer) / each + 1e-9) == fit):
            break
    words = f"{free:.{digits}f} GB − {buffer:.{digits}f} buffer"
    if room.promised_bytes:
        words += f" − {kept:.{digits}f} kept for {room.unloaded} not loaded"
    if each is None:
        return f"{words}, size not known yet: one, to be measured"
    return f"{words}, {each:.{digits}f} {footprint.source}"


def place(
    rooms: Sequence[Room], wanted: Mapping[str, int], footprints: Sequence[Mapping[str, Footprint]], allowed: Rules
) -> dict[str, list[int]] | None:
    """For each model the room of each of its wanted slots, such that all fit together; None when they do not.

    `footprints` has a model's size on the GPU of each room. Larger models are placed first. Every
    placement is tried; with dozens of slots, `MOST_TRIES` of them.
    """
    largest = {model: max((each[model].size_bytes or 0 for each in footprints), default=0) for model in wanted}
    queue = [model for model in sorted(wanted, key=lambda name: (-largest[name], name)) for _ in range(wanted[model])]
    chosen = _Search(rooms, queue, footprints, allowed).chosen()
    if chosen is None:
        return None
    return {model: [chosen[i] for i, name in enumerate(queue) if name == model] for model in wanted}


class _Search:
    """One search for a place for each model of `queue`, depth first. Equal GPUs are tried only once."""

    def __init__(
        self, rooms: Sequence[Room], queue: Sequence[str], footprints: Sequence[Mapping[str, Footprint]], allowed: Rules
    ) -> None:
        self._queue = queue
        self._allowed = allowed
        self._sizes = [{model: each[model].size_bytes for model in dict.fromkeys(queue)} for each in footprints]
        self._left = [room.usable_bytes(allowed) for room in rooms]
        self._held = [
            {model: room.held.get(model, 0) for model in sizes} for room, sizes in zip(rooms, self._sizes, strict=True)
        ]
        kinds = [
            (tuple(sizes.values()), tuple(held.values())) for sizes, held in zip(self._sizes, self._held, strict=True)
        ]
        self._kinds = [kinds.index(kind) for kind in kinds]
        self._chosen: list[int] = []
        self._dead_ends: set[tuple[int, tuple[tuple[int, int, int], ...]]] = set()

    def chosen(self) -> list[int] | None:
        """The room of each, or None."""
        smallest = sum(min((sizes[model] or 0 for sizes in self._sizes), default=0) for model in self._queue)
        if smallest > sum(self._left):
            return None
        return self._chosen if self._go_on() else None

    def _go_on(self) -> bool:
        if len(self._chosen) == len(self._queue):
            return True
        model = self._queue[len(self._chosen)]
        counts = [held[model] for held in self._held]
        state = (len(self._chosen), tuple(sorted(zip(self._kinds, self._left, counts, strict=True))))
        if state in self._dead_ends or len(self._dead_ends) > MOST_TRIES:
            return False
        for index in sorted(range(len(self._left)), key=lambda i: -self._left[i]):
            size = self._sizes[index][model]
            if not _may_join(size, self._left[index], counts[index], self._allowed):
                continue
            self._put(index, model, 1)
            self._chosen.append(index)
            if self._go_on():
                return True
            self._chosen.pop()
            self._put(index, model, -1)
        self._dead_ends.add(state)
        return False

    def _put(self, index: int, model: str, count: int) -> None:
        self._left[index] -= count * (self._sizes[index][model] or 0)
        self._held[index][model] += count


def _may_join(size: int | None, left_bytes: int, held: int, allowed: Rules) -> bool:
    if allowed.most is not None and held >= allowed.most:
        return False
    if size is None:
        return left_bytes > 0 and not held
    return size <= left_bytes
