"""What had happened to a request when its sidecar died without a word about it, by the page that outlives it. Pure.

The sidecar itself says how its calls ended when the child dies. This is for the calls that it says nothing of, because
it was killed, or has died. Guarantee: a request that had surely not begun in the model is `INNOCENT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workers.wire.page import Page, Running, Stage, StageWork


class Verdict(StrEnum):
    """What a request is."""

    INNOCENT = "innocent"
    """It had not begun, or was ended with others at no fault of its own: its run is not counted."""
    COMPUTED = "computed"
    """It was being computed when its child died by itself."""
    AWAY = "away"
    """Its results were being read or put away: its run stays counted."""
    READY = "ready"
    """It was being made ready, and may have ended the sidecar: it counts as a run that was lost before it began."""


@dataclass(frozen=True)
class LastSeen:
    """What the page says when child and sidecar are dead."""

    running: Running | None
    ready: StageWork
    away: StageWork
    reading: tuple[int, range] = (0, range(0))

    @classmethod
    def of(cls, page: Page) -> LastSeen:
        """Read it."""
        return cls(page.running(), page.stage(Stage.READY), page.stage(Stage.AWAY), page.reading)

    def verdict(self, batch: int, call: int, *, child_died_first: bool) -> Verdict:
        """On one call of a batch. `child_died_first`: nobody ended the child because its sidecar had died."""
        if self.running and self.running.batch == batch and call in self.running.calls:
            return Verdict.COMPUTED if child_died_first else Verdict.INNOCENT
        is_read = batch == self.reading[0] and call in self.reading[1]
        if is_read or self.away.works_on(batch):
            return Verdict.AWAY
        if self.ready.works_on(batch):
            return Verdict.READY
        return Verdict.INNOCENT
