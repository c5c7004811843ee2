"""The page: a few numbers in memory that a slot worker's processes share, and that outlive a killed one.

It is shared by parent, sidecar and child.

The child writes which run it computes and since when; the sidecar writes which batch its stages work on. The parent
reads both: for time limits, for Celery's «started», and to know what had begun when a process died. No message is
needed for that, so it costs the child nothing. Every field has one writer. Guarantee: a read gives one run, whole,
never parts of two. All times are those of the monotonic clock, which the processes of a host share.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_CALLS = 4096
"""The calls of one run that are noted: as many as a hand-over has at most (the largest `batch_size`)."""

_INT = struct.Struct("=q")
_FLOAT = struct.Struct("=d")
_CALL = struct.Struct("=H")
_PID, _VERSION, _NUMBER, _BATCH, _BEGUN_AT, _COUNT = (index * 8 for index in range(6))
_COMPUTING_S, _WAITING_S = 48, 56
_STAGES = 64
_STAGE_BYTES = 32
_READING = 128
_CALLS = 152
_BYTES = _CALLS + MOST_CALLS * _CALL.size
_READS = 1000


class Stage(StrEnum):
    """A stage of the sidecar."""

    READY = "ready"
    AWAY = "away"


@dataclass(frozen=True)
class Running:
    """The run that the child computes: its number, its batch, the calls of that batch, and since when."""

    number: int
    batch: int
    calls: frozenset[int]
    begun_at: float


@dataclass(frozen=True)
class StageWork:
    """What a stage of the sidecar works on: a batch, or all up to `last`, and since when; and its seconds so far."""

    batch: int
    since: float | None
    total_s: float
    last: int = 0

    def works_on(self, batch: int) -> bool:
        """Whether this batch is among those that it works on now."""
        return self.since is not None and self.batch <= batch <= max(self.batch, self.last)


class Page:
    """One page, made before the child is forked; each process has the same object."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _BYTES)

    # The child writes:

    def begin_run(self, number: int, batch: int, calls: Sequence[int], now: float) -> None:
        """The child begins this run."""
        version = self._int(_VERSION)
        _INT.pack_into(self._memory, _VERSION, version + 1)  # odd: being written
        _INT.pack_into(self._memory, _NUMBER, number)
        _INT.pack_into(self._memory, _BATCH, batch)
        noted = calls[:MOST_CALLS]
        _INT.pack_into(self._memory, _COUNT, len(noted))
        struct.pack_into(f"={len(noted)}H", self._memory, _CALLS, *noted)
        _FLOAT.pack_into(self._memory, _BEGUN_AT, now)
        _INT.pack_into(self._memory, _VERSION, version + 2)

    def end_run(self, now: float) -> None:
        """The child has computed its run; nothing if it began none: all its inputs were cancelled, or had no model."""
        if not (begun_at := self._float(_BEGUN_AT)):
            return
        _FLOAT.pack_into(self._memory, _BEGUN_AT, 0.0)
        _FLOAT.pack_into(self._memory, _COMPUTING_S, self._float(_COMPUTING_S) + max(0.0, now - begun_at))

    def waited(self, seconds: float) -> None:
        """The child had nothing to compute for so long."""
        _FLOAT.pack_into(self._memory, _WAITING_S, self._float(_WAITING_S) + seconds)

    # The sidecar writes:

    def sidecar_began(self, pid: int) -> None:
        """The sidecar runs under this process id."""
        _INT.pack_into(self._memory, _PID, pid)

    def enter(self, stage: Stage, batch: int, now: float, last: int = 0) -> None:
        """A stage begins to work on this batch; on all up to `last`, if that is given."""
        at = _place(stage)
        _INT.pack_into(self._memory, at + 24, last)
        _INT.pack_into(self._memory, at, batch)
        _FLOAT.pack_into(self._memory, at + 8, now)

    def leave(self, stage: Stage, now: float) -> None:
        """A stage has nothing in work."""
        at = _place(stage)
        if not (since := self._float(at + 8)):
            return
        _FLOAT.pack_into(self._memory, at + 8, 0.0)
        _FLOAT.pack_into(self._memory, at + 16, self._float(at + 16) + max(0.0, now - since))

    def reads(self, batch: int, calls: Sequence[int] = ()) -> None:
        """The sidecar reads the results of a run, which are a model's own values; batch 0: it has read them."""
        if calls:
            _INT.pack_into(self._memory, _READING + 8, min(calls))
            _INT.pack_into(self._memory, _READING + 16, max(calls))
        _INT.pack_into(self._memory, _READING, batch)

    # Anybody reads:

    @property
    def sidecar_pid(self) -> int:
        """The sidecar's process id; 0 before it runs."""
        return self._int(_PID)

    @property
    def reading(self) -> tuple[int, range]:
        """The batch whose results the sidecar reads, or read when it died, and from which call to which; 0: none."""
        return self._int(_READING), range(self._int(_READING + 8), self._int(_READING + 16) + 1)

    @property
    def computing_s(self) -> float:
        """Seconds that the child has computed, without the run that it computes now."""
        return self._float(_COMPUTING_S)

    @property
    def waiting_s(self) -> float:
        """Seconds that the child had nothing to compute, up to its last run's begin."""
        return self._float(_WAITING_S)

    def running(self) -> Running | None:
        """The run that the child computes now, or computed when it died; None if it computes none."""
        for _ in range(_READS):
            version = self._int(_VERSION)
            count = min(self._int(_COUNT), MOST_CALLS)
            calls = frozenset(struct.unpack_from(f"={count}H", self._memory, _CALLS))
            found = Running(self._int(_NUMBER), self._int(_BATCH), calls, self._float(_BEGUN_AT))
            if version % 2 == 0 and version == self._int(_VERSION):
                return found if found.begun_at else None
        return None  # it died while it wrote, so it had not begun

    @property
    def last_batch(self) -> int:
        """The batch of the last run that was begun; 0 before the first."""
        return self._int(_BATCH)

    def stage(self, stage: Stage) -> StageWork:
        """What this stage works on."""
        at = _place(stage)
        since = self._float(at + 8)
        return StageWork(self._int(at), since or None, self._float(at + 16), self._int(at + 24))

    def _int(self, at: int) -> int:
        return int(_INT.unpack_from(self._memory, at)[0])

    def _float(self, at: int) -> float:
        return float(_FLOAT.unpack_from(self._memory, at)[0])


def _place(stage: Stage) -> int:
    return _STAGES + list(Stage).index(stage) * _STAGE_BYTES
