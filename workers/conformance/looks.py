"""The instance that looks at inputs: checks, prepares and finishes them, without the model. The other process has it.

It does what a slot does with a request, in the same order and by the same craft. Every method raises `CallFailed` for
what the adapter's own code raises.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.catalog import ModelEntry
from tasks.errors import ArtifactMissing
from tasks.messages import PartRequest
from tasks.messages.lookup import craft_named
from workers.adapters import adapter_of
from workers.adapters.base import AnyAdapter, Offer
from workers.adapters.grouping import groups
from workers.conformance.compare import not_numbers
from workers.conformance.example import Example, Inputs, examples_of
from workers.conformance.failure import calling
from workers.conformance.home import Imported, home_of, imported
from workers.sidecar import crafts
from workers.sidecar.crafts.base import KnownModel, SlotCraft
from workers.sidecar.stages.make_ready import artifact_name


@dataclass(frozen=True)
class Table:
    """What an adapter says of itself when it is made from its table."""

    craft: str
    version: str
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Output:
    """What became of an input: what is compared of it, and its artifact's size; where it has NaN, if it has."""

    seen: Any
    size_bytes: int = 0
    nan: str = ""


class Looks:
    """One instance of the adapter, without a model."""

    def __init__(self, entry: ModelEntry, device: str) -> None:
        self._entry = entry
        self._device = device
        self._adapter: AnyAdapter | None = None
        self._model: KnownModel | None = None
        self._home: Path | None = None

    def find(self) -> Imported:
        """Import the adapter."""
        with calling("import"):
            return imported(self._entry.adapter)

    def make(self) -> Table:
        """Make the instance from its table; its options are checked."""
        with calling("__init__"):
            self._adapter = adapter = adapter_of(self._entry, self._device)
            craft_named(adapter.craft)
            if not isinstance(version := getattr(adapter, "version", None), str) or not version:
                raise TypeError("the class has no `version`, a text that is part of the artifacts' names")
        self._home = home_of(type(adapter))
        return Table(adapter.craft, version, tuple(adapter.devices))

    def check_packages(self) -> None:
        """Whether what it imports is installed."""
        with calling("check_packages", self._home):
            self._made().check_packages()

    def check_files(self) -> None:
        """Whether its model's files are there."""
        with calling("check_files", self._home):
            self._made().check_files()

    def attach(self, offer: bytes) -> None:
        """Tell it what the loaded one offers."""
        if self._adapter is None or self._model is not None:
            self.make()
        adapter = self._made()
        with calling("attach", self._home):
            unpacked: Offer = pickle.loads(offer)
            adapter.attach(unpacked)
        self._model = KnownModel(self._entry, adapter, unpacked)

    def detach(self) -> None:
        """Let it let go of what it holds for the model."""
        with calling("detach", self._home):
            self._made().detach()
        self._adapter = self._model = None

    def inputs(self) -> Inputs:
        """What this adapter is checked with: by its craft, or by itself."""
        with calling("examples", self._home):
            given = self._craft.examples(self._made(), self._known.offer)
            name = self._entry.name
            good, unusual, refused = (examples_of(some, name) for some in (given.good, given.unusual, given.refused))
            return Inputs(good, unusual, refused, given.lacking)

    def tolerance(self) -> float:
        """How far numbers of two outputs may differ: as the adapter says, else as its craft does."""
        own = self._made().tolerance
        return self._craft.tolerance if own is None else own

    def inputs_at_once(self, batch_size: int) -> int:
        """How many inputs a run has at most."""
        with calling("inputs_at_once", self._home):
            return self._made().inputs_at_once(batch_size)

    def groups(self, examples: Sequence[Example]) -> list[list[int]]:
        """Which of them may run together, by their numbers."""
        requests = [self._request(one) for one in examples]
        with calling("group", self._home):
            return groups(self._made(), requests)

    def prepare(self, example: Example) -> bytes:
        """What `run` gets for this input, pickled."""
        request = self._request(example)
        adapter, before = self._made(), pickle.dumps(request)
        with calling("ingredients", self._home):
            artifact_name(self._known, self._craft, request)
        with calling("length", self._home):
            float(adapter.length(request))
        with calling("prepare", self._home):
            item = adapter.prepare(request)
            if request != pickle.loads(before):
                raise TypeError("it changed its input; the artifact has its name from it already")
            try:
                return pickle.dumps(item)
            except Exception as exc:  # each class has errors of its own
                said = f"what it gave cannot be sent to the model's process: {exc}"
                raise TypeError(f"{said}; give plain values or numpy arrays") from None

    def finish(self, example: Example, made: bytes) -> Output:
        """What the craft makes of what `run` gave for this input."""
        request, adapter = self._request(example), self._made()
        with calling("finish", self._home):
            seen = self._craft.seen(adapter.finish(request, pickle.loads(made)))
            if nan := next(not_numbers(seen), ""):
                return Output(seen, nan=nan)
            # A second time, because a film's pictures are made while they are read.
            data, details = self._craft.encode(adapter.finish(request, pickle.loads(made)))
            json.dumps(details)
        return Output(seen, len(data))

    def _request(self, example: Example) -> PartRequest:
        adapter, craft = self._made(), self._craft
        adapter.read_artifact = lambda name: _read(example.files, name)
        with calling("check", self._home):
            request: PartRequest = craft.ready(self._known, craft.craft.request.parse(example.fields))
            adapter.check(request)
        return request

    @property
    def _craft(self) -> SlotCraft[Any, Any]:
        return crafts.by_name(self._made().craft)

    @property
    def _known(self) -> KnownModel:
        assert self._model is not None
        return self._model

    def _made(self) -> AnyAdapter:
        assert self._adapter is not None
        return self._adapter


def _read(files: Mapping[str, bytes], name: str) -> bytes:
    try:
        return files[name]
    except KeyError:
        raise ArtifactMissing(f"there is no {name}") from None
