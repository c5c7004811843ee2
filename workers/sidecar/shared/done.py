"""What the away thread has to do, in order: the ends of calls that the other threads have found out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from workers.sidecar.shared.held import HeldBatch, HeldRun
from workers.sidecar.stages.put_away import StoredResult
from workers.sidecar.stages.work import Computed, Ran
from workers.wire.work_line import RunEnded


@dataclass(frozen=True)
class NoRun:
    """These calls of a batch need no run of the model, or get none; `others` are calls of tasks without a craft."""

    batch: HeldBatch
    ran: Ran
    others: Sequence[int] = ()


@dataclass(frozen=True)
class RunCame:
    """The child has computed a run; `at` is when the answer arrived, by the monotonic clock."""

    run: HeldRun
    ended: RunEnded
    at: float

    def computed(self) -> list[Computed]:
        """The result for each work of the run."""
        pairs = zip(self.run.work, self.ended.results, strict=True)
        return [Computed(work, result, self.at, self.ended.took_s) for work, result in pairs]


@dataclass(frozen=True)
class RunStored:
    """A run that has come, and what became of its results: they are stored already."""

    came: RunCame
    stored: Sequence[StoredResult]

    @property
    def run(self) -> HeldRun:
        """The run."""
        return self.came.run


@dataclass(frozen=True)
class NotBegunCalls:
    """These calls go back, because the model has not begun them: `run` was claimed, `calls` were not."""

    batch: HeldBatch
    calls: Sequence[int] = ()
    run: HeldRun | None = None


@dataclass(frozen=True)
class LostRun:
    """The child died while it computed this run; `why`, if it could say it."""

    run: HeldRun
    why: str = ""


@dataclass(frozen=True)
class Refused:
    """Redis is unreachable or refuses writes, so these calls go back."""

    batch: HeldBatch
    calls: Sequence[int]
    error: Exception


@dataclass(frozen=True)
class RecallDone:
    """All that a recall took back stands in the queue before this."""

    number: int


@dataclass(frozen=True)
class ChildGone:
    """The child is dead, and all that it had computed stands in the queue before this."""


Done = NoRun | RunCame | RunStored | NotBegunCalls | LostRun | Refused | RecallDone | ChildGone


@dataclass
class DoneQueue:
    """The queue: any thread adds, the away thread takes all that there is."""

    _items: list[Done] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, *items: Done) -> None:
        """Add at the end."""
        with self._changed:
            self._items += items
            self._changed.notify()

    def take(self) -> list[Done]:
        """All that there is, waiting until there is something."""
        with self._changed:
            self._changed.wait_for(lambda: self._items)
            taken, self._items = self._items, []
            return taken

    def rest(self) -> list[Done]:
        """All that there is now."""
        with self._changed:
            taken, self._items = self._items, []
            return taken
