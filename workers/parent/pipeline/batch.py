"""A batch: the requests of one hand-over to the sidecar, and which of them have ended. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from workers.parent.slot_request import SlotRequest


@dataclass(eq=False)
class Batch:
    """Requests that were handed over together, in order. `number` is the line's name for them.

    With `is_alone` nothing else is in the pipeline until it has ended. Times are those of the monotonic clock.
    """

    number: int
    requests: Sequence[SlotRequest]
    is_alone: bool
    sent_at: float
    answered: set[int] = field(default_factory=set)
    """The indices of those that have ended."""
    ran: int = 0
    """How many of them were run."""

    @property
    def left(self) -> list[tuple[int, SlotRequest]]:
        """Those that have not ended, with their indices."""
        return [(index, one) for index, one in enumerate(self.requests) if index not in self.answered]

    def of(self, calls: Iterable[int]) -> list[SlotRequest]:
        """Those of these indices that have not ended."""
        return [self.requests[index] for index in sorted(calls) if self._is_left(index)]

    def _is_left(self, index: int) -> bool:
        return 0 <= index < len(self.requests) and index not in self.answered
