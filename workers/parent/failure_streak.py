"""Whether a slot's model fails everything: counts different parts that failed in a row, and decides. Pure.

One part that fails may be the input's fault or the model's; five different ones in a row
are the model's. Its child is then replaced once; when as many fail after that, with no
success between, the slot takes no more work until somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

IN_A_ROW = 5


class Step(StrEnum):
    """What is to be done now."""

    GO_ON = "go on"
    RELOAD = "reload"
    STOP = "stop"


class FailureStreak:
    """The failures since the last success. `RELOAD` and `STOP` are each returned once."""

    def __init__(self, allowed: int = IN_A_ROW) -> None:
        self._allowed = allowed
        self._failed: set[str] = set()
        self._was_reloaded = False
        self.state = Step.GO_ON

    def __len__(self) -> int:
        return len(self._failed)

    def record(self, failed: Iterable[str], worked: bool) -> Step:
        """A batch failed on these parts, and made others or not."""
        if worked:
            self._failed.clear()
            self._was_reloaded = False
            return Step.GO_ON
        self._failed.update(failed)
        if len(self._failed) < self._allowed or self.state is not Step.GO_ON:
            return Step.GO_ON
        self.state = Step.STOP if self._was_reloaded else Step.RELOAD
        return self.state

    def loaded(self) -> bool:
        """A child has loaded the model; whether the slot may take work."""
        if self.state is Step.RELOAD:
            self._failed.clear()
            self._was_reloaded = True
            self.state = Step.GO_ON
        return self.state is Step.GO_ON
