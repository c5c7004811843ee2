"""A step of the check, and its line in the report. Types only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from tasks.catalog import ModelEntry
from workers.conformance.computes import Loaded
from workers.conformance.example import Example, Inputs
from workers.conformance.looks import Output, Table
from workers.conformance.memory import Memory
from workers.conformance.slot import Slot


class Mark(StrEnum):
    """How a step ended."""

    RIGHT = "✓"
    WRONG = "✗"
    LEFT_OUT = "–"
    """Not done, or nothing to say: what it needs has failed, or this adapter has none of it."""


@dataclass(frozen=True)
class Line:
    """One step's line in the report."""

    mark: Mark
    name: str
    words: str


class Wrong(Exception):
    """The step has found a fault; the message says what is wrong and what to do."""


class LeftOut(Exception):
    """There is nothing to do here; the message says why."""


@dataclass
class Checking:
    """What the steps share: the slot, and what earlier steps have found."""

    entry: ModelEntry
    slot: Slot
    tolerance: float | None = None
    """How far numbers of two outputs may differ; None: as the craft says."""
    table: Table | None = None
    loaded: Loaded | None = None
    inputs: Inputs = field(default_factory=Inputs)
    outputs: dict[int, Output] = field(default_factory=dict)
    """What became of the good inputs that could be computed, by their numbers (from 0)."""
    unusual: list[tuple[Example, Output]] = field(default_factory=list)
    """Unusual inputs that were computed."""
    unloaded: Memory | None = None

    def computed(self) -> list[tuple[int, Example, Output]]:
        """The good inputs that could be computed; raises `LeftOut` if there is none."""
        if not self.outputs:
            raise LeftOut("no example could be computed")
        return [(number, self.inputs.good[number], output) for number, output in self.outputs.items()]

    def smallest(self) -> tuple[Example, Output]:
        """Of those the one with the smallest artifact, for steps that only need one; raises `LeftOut` like them."""
        _, example, output = min(self.computed(), key=lambda one: one[2].size_bytes)
        return example, output


@dataclass(frozen=True)
class Step:
    """One thing to check. `run` returns what to say where it is right; it raises `Wrong`, `LeftOut`, or what the slot
    raises. `needs` are the names of steps that have to be right before."""

    name: str
    run: Callable[[Checking], str]
    needs: tuple[str, ...] = ()


def megabytes(size_bytes: float) -> str:
    """`310 MB`."""
    return f"{size_bytes / 1e6:,.0f} MB"
