"""A batch that the sidecar has, from the parent's message until its last call is answered; and its cancel marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.stages.work import Work
from workers.wire.call import Call
from workers.wire.work_line import Run


@dataclass(eq=False)
class HeldBatch:
    """A batch of the parent's. The answers' thread marks its calls as cancelled; the away thread answers them."""

    number: int
    calls: Sequence[Call]
    is_alone: bool = False
    cancelled: set[int] = field(default_factory=set)
    over_limit: dict[int, str] = field(default_factory=dict)
    """Those of the cancelled calls whose sender's time limit is over: which limit."""
    left: set[int] = field(default_factory=set)
    """The calls that are not answered yet."""

    def __post_init__(self) -> None:
        self.left = set(range(len(self.calls)))

    def cancel(self, calls: Sequence[int], over_limit: str) -> None:
        """Mark calls as cancelled; `over_limit` names a limit that is over for them, or is empty."""
        if over_limit:
            self.over_limit.update(dict.fromkeys(calls, over_limit))
        self.cancelled.update(calls)

    def is_unwanted(self, work: Work) -> bool:
        """Whether all calls that want this work are cancelled."""
        return all(index in self.cancelled for index in work.calls)


@dataclass(frozen=True, eq=False)
class HeldRun:
    """A run that was made ready: what the child gets, and the claimed work behind each input.

    Its `model` is not let go of before the run's calls have ended (`known_models.py`).
    """

    run: Run
    batch: HeldBatch
    work: Sequence[Work]
    model: KnownModel | None = None

    @property
    def calls(self) -> tuple[int, ...]:
        """All calls of its batch that it computes."""
        return tuple(index for work in self.work for index in work.calls)
