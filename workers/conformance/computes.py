"""The instance that has the model: loads, warms up, runs, unloads. One process of the two has it, and calls it.

Every method raises `CallFailed` for what the adapter's own code raises. What crosses is bytes: pickles that only the
two instances of the adapter read.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.catalog import ModelEntry
from tasks.terminal.printable import counted
from workers.adapters import adapter_of
from workers.adapters.base import AnyAdapter, Offer, never_cancelled
from workers.conformance.failure import CallFailed, Failure, calling, failure_of
from workers.conformance.home import home_of
from workers.conformance.memory import Memory, measured
from workers.sidecar import crafts


@dataclass(frozen=True)
class Loaded:
    """What a load gave: the pickled offer, its revision, the seconds that it took, and the memory before and after."""

    offer: bytes
    revision: str
    seconds: float
    before: Memory
    after: Memory


@dataclass(frozen=True)
class Ran:
    """What a run gave: for each input the pickled outcome or an error; and whether it asked what is cancelled."""

    outcomes: tuple[bytes | Failure, ...]
    has_asked: bool
    seconds: float


class Computes:
    """One instance of the adapter; `home` is where its code lies, for the places of its errors."""

    def __init__(self, entry: ModelEntry, device: str) -> None:
        self._entry = entry
        self._device = device
        self._adapter: AnyAdapter | None = None
        self._home: Path | None = None

    def load(self) -> Loaded:
        """Make the instance at the first call, and load its model."""
        if self._adapter is None:
            with calling("__init__"):
                self._adapter = adapter_of(self._entry, self._device)
            self._home = home_of(type(self._adapter))
        before = measured(self._device)
        began = time.monotonic()
        with calling("load", self._home):
            offer = self._adapter.load()
        seconds = time.monotonic() - began
        _check_offer(offer)
        with calling("load", self._home):
            try:
                packed = pickle.dumps(offer)
            except Exception as exc:
                raise TypeError(f"the offer cannot be sent to the other process: {exc}") from exc
        return Loaded(packed, offer.revision, seconds, before, measured(self._device))

    def warm_up(self) -> float:
        """Warm it up; returns the seconds."""
        began = time.monotonic()
        with calling("warm_up", self._home):
            self._made().warm_up()
        return time.monotonic() - began

    def run(self, batch: Sequence[bytes], cancelled: Sequence[int] = ()) -> Ran:
        """Run the model on these prepared inputs; those with these numbers are cancelled."""
        return self._run(self._unpacked(batch), frozenset(cancelled))

    def run_twice(self, batch: Sequence[bytes]) -> tuple[Ran, Ran]:
        """Run the model on the same objects twice, as after a run that ran out of memory."""
        items = self._unpacked(batch)
        return self._run(items, frozenset()), self._run(items, frozenset())

    def unload(self) -> Memory:
        """Unload it; returns the memory after it."""
        with calling("unload", self._home):
            self._made().unload()
        return measured(self._device)

    def _unpacked(self, batch: Sequence[bytes]) -> list[Any]:
        with calling("prepare", self._home):
            return [pickle.loads(one) for one in batch]

    def _run(self, items: list[Any], cancelled: frozenset[int]) -> Ran:
        adapter = self._made()
        asked: set[int] = set()

        def is_cancelled(index: int) -> bool:
            asked.add(index)
            return index in cancelled

        adapter.is_cancelled = is_cancelled
        began = time.monotonic()
        try:
            with calling("run", self._home):
                made = adapter.run(items)
                outcomes = self._checked(made, len(items))
        finally:
            adapter.is_cancelled = never_cancelled
        return Ran(tuple(map(self._packed, outcomes)), bool(asked), time.monotonic() - began)

    def _checked(self, made: Any, wanted: int) -> list[Any]:
        if made is None or isinstance(made, (str, bytes, dict)):
            raise CallFailed(_wrong(f"it returned {_article(made)}; return a list with one outcome for each input"))
        outcomes = list(made)
        if len(outcomes) != wanted:
            given, inputs = counted(len(outcomes), "outcome"), counted(wanted, "input")
            raise CallFailed(_wrong(f"it returned {given} for {inputs}; return one for each, in order"))
        return outcomes

    def _packed(self, outcome: Any) -> bytes | Failure:
        if isinstance(outcome, BaseException):
            return failure_of(outcome, "run", self._home)
        if outcome is None and not crafts.by_name(self._made().craft).makes_none:
            return _wrong("it returned None for an input; it has to be what the model made, or an error")
        try:
            with calling("crossing", self._home):
                crossing = self._made().crossing(outcome)
            return pickle.dumps(crossing)
        except CallFailed as exc:
            return exc.failure
        except Exception as exc:  # each class has errors of its own
            return _wrong(f"what it returned cannot be sent to the other process: {exc}")

    def _made(self) -> AnyAdapter:
        assert self._adapter is not None
        return self._adapter


def _check_offer(offer: Any) -> None:
    """Raise `CallFailed` for what is no offer, or lacks what artifacts' names need."""
    if not isinstance(offer, Offer):
        raise CallFailed(_wrong(f"it returned {_article(offer)}; it has to return an Offer", "load"))
    if not isinstance(offer.revision, str) or not offer.revision:
        raise CallFailed(_wrong("the offer has no revision; it is part of the artifacts' names", "load"))
    if offer.voices and offer.default_voice is not None and offer.default_voice not in offer.voices:
        raise CallFailed(_wrong(f"the offer's default_voice {offer.default_voice!r} is not among its voices", "load"))


def _wrong(words: str, by: str = "run") -> Failure:
    return Failure(by, "TypeError", words, is_slotlines=True)


def _article(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
