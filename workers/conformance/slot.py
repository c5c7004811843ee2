"""The two instances together, as a slot has them: an input goes from one to the other and back.

Whatever was lost by a crash is there again at the next call: the process is started, and the model loaded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.conformance.computes import Loaded, Ran
from workers.conformance.example import Example, Inputs
from workers.conformance.failure import CallFailed, Failure
from workers.conformance.home import Imported
from workers.conformance.looks import Output, Table
from workers.conformance.memory import Memory
from workers.conformance.side import Lost, Side


@dataclass(frozen=True)
class Limits:
    """How long one call may take, in seconds: a load, a run of the model, anything else."""

    load_s: float
    run_s: float
    stage_s: float


class Slot:
    """See the module."""

    def __init__(self, computes: Side, looks: Side, limits: Limits) -> None:
        self._computes = computes
        self._looks = looks
        self._limits = limits
        self._offer = b""
        self._is_loaded = False

    def find(self) -> Imported:
        """Import the adapter; both processes start now, at the same time."""
        for side in (self._looks, self._computes):
            if not side.is_there:
                side.begin()
        found: Imported = self._looks.call("find", limit_s=self._limits.load_s)
        return found

    def make(self) -> Table:
        """Make the instance that looks at inputs."""
        made: Table = self._looking("make")
        return made

    def check_packages(self) -> None:
        """See the adapter's method."""
        self._looking("check_packages")

    def check_files(self) -> None:
        """See the adapter's method."""
        self._looking("check_files")

    def load(self) -> Loaded:
        """Load the model."""
        if not self._computes.is_there:
            self._computes.begin()
        loaded: Loaded = self._call(self._computes, "load", limit_s=self._limits.load_s)
        self._is_loaded = True
        return loaded

    def attach(self, offer: bytes) -> None:
        """Tell the instance that looks at inputs what the loaded one offers."""
        self._call(self._looks, "attach", offer, limit_s=self._limits.load_s)
        self._offer = offer

    def detach(self) -> None:
        """Let it go of the model."""
        self._looking("detach")
        self._offer = b""

    def warm_up(self) -> float:
        """Warm the model up; the seconds."""
        took: float = self._computing("warm_up", limit_s=self._limits.load_s)
        return took

    def unload(self) -> Memory:
        """Unload the model; the memory after it."""
        memory: Memory = self._computing("unload", limit_s=self._limits.stage_s)
        self._is_loaded = False
        return memory

    def unload_again(self) -> Memory:
        """Unload it where nothing is loaded."""
        memory: Memory = self._call(self._computes, "unload", limit_s=self._limits.stage_s)
        return memory

    def inputs(self) -> Inputs:
        """What the adapter is checked with."""
        found: Inputs = self._looking("inputs")
        return found

    def tolerance(self) -> float:
        """How far numbers of two outputs may differ, as the craft says."""
        found: float = self._looking("tolerance")
        return found

    def groups(self, examples: Sequence[Example]) -> list[list[int]]:
        """Which inputs may run together, by their numbers."""
        found: list[list[int]] = self._looking("groups", list(examples))
        return found

    def prepare(self, example: Example) -> bytes:
        """What the model gets for an input."""
        prepared: bytes = self._looking("prepare", example)
        return prepared

    def run(self, batch: Sequence[bytes], cancelled: Sequence[int] = ()) -> Ran:
        """Run the model."""
        ran: Ran = self._computing("run", list(batch), list(cancelled), limit_s=self._limits.run_s)
        return ran

    def run_twice(self, batch: Sequence[bytes]) -> tuple[Ran, Ran]:
        """Run the model on the same objects twice."""
        ran: tuple[Ran, Ran] = self._computing("run_twice", list(batch), limit_s=2 * self._limits.run_s)
        return ran

    def finish(self, example: Example, outcome: bytes | Failure) -> Output:
        """What becomes of an outcome; an error is raised as `CallFailed`."""
        if isinstance(outcome, Failure):
            raise CallFailed(outcome)
        output: Output = self._looking("finish", example, outcome)
        return output

    def compute(self, example: Example) -> Output:
        """One input, alone, from its fields to its artifact."""
        (outcome,) = self.run([self.prepare(example)]).outcomes
        return self.finish(example, outcome)

    def end(self) -> None:
        """End both processes."""
        self._computes.end()
        self._looks.end()

    def _looking(self, method: str, *arguments: Any) -> Any:
        if not self._looks.is_there:
            self._looks.begin()
            if self._offer:
                self._looks.call("attach", self._offer, limit_s=self._limits.load_s)
            elif method != "make":
                self._looks.call("make", limit_s=self._limits.load_s)
        return self._call(self._looks, method, *arguments, limit_s=self._limits.stage_s)

    def _computing(self, method: str, *arguments: Any, limit_s: float) -> Any:
        if not self._is_loaded:
            self.load()
        return self._call(self._computes, method, *arguments, limit_s=limit_s)

    def _call(self, side: Side, method: str, *arguments: Any, limit_s: float) -> Any:
        try:
            return side.call(method, *arguments, limit_s=limit_s)
        except Lost:
            self._is_loaded = self._is_loaded and side is not self._computes
            raise
