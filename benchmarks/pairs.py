"""Systems measured in turn, several rounds: the median of each, and of the ratios within a round, with their spread.

The speed of a machine changes from minute to minute, so a ratio of two figures that were taken one after the other
says more than a ratio of two medians. Pure, but for the measures that it is given.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

MeasureT = TypeVar("MeasureT")
NameT = TypeVar("NameT")


@dataclass(frozen=True)
class Spread:
    """Several values of one figure."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def text(self, decimals: int) -> str:
        """The median, and the lowest and the highest in brackets; a single value stands alone."""
        if len(self.values) == 1:
            return f"{self.median:,.{decimals}f}"
        return f"{self.median:,.{decimals}f} ({min(self.values):,.{decimals}f}–{max(self.values):,.{decimals}f})"


def in_turn(measures: Mapping[NameT, Callable[[int], MeasureT]], rounds: int) -> dict[NameT, list[MeasureT]]:
    """What each measure gave, given the round's number; every second round runs in the reverse order."""
    found: dict[NameT, list[MeasureT]] = {name: [] for name in measures}
    for number in range(rounds):
        for name in list(measures)[:: -1 if number % 2 else 1]:
            found[name].append(measures[name](number))
    return found


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours divided by theirs, round by round."""
    return Spread(tuple(one / other for one, other in zip(ours, theirs, strict=True)))
