"""Decides whether a slot's model fails on every input: counts different parts that failed in a row. Pure.

If one part fails, the input or the model may be at fault. If five different parts fail in a
row, it is the model. Then the child is replaced, once. If five more fail without a success,
the slot takes no more messages until an operator restarts the worker.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

IN_A_ROW = 5


class Step(StrEnum):
    """What to do next."""

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
        """Count a batch that failed on these parts; `worked`: it made others. Returns what to do next."""
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
        """Note that a child has loaded the model; returns whether the slot may take messages."""
        if self.state is Step.RELOAD:
            self._failed.clear()
            self._was_reloaded = True
            self.state = Step.GO_ON
        return self.state is Step.GO_ON
