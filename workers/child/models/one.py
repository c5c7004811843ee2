"""A slot's one model: loaded, unloaded, loaded again. Decides nothing about when.

Used by the child's main thread, which alone touches the adapter; `status` answers any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workers.adapters import hardware
from workers.child.models.base import LoadedModel
from workers.child.models.lifecycle import Lifecycle
from workers.wire.state import State

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import Offer


class OneModel:
    """The model of a table whose path names one; `load` does the loading, `life` hears the states."""

    def __init__(self, entry: ModelEntry, device: str, life: Lifecycle, load: Callable[[], LoadedModel]) -> None:
        self.entry = entry
        self._device = device
        self._life = life
        self._load = load
        self._model: LoadedModel | None = None

    @property
    def offer(self) -> Offer | None:
        """What the model offers; None while it is not loaded."""
        model = self._model
        return model.offer if model else None

    def load(self) -> float:
        """Load it; the seconds. `life` enters loading and warming, and not yet ready. Raises a `SlotlineError`."""
        self._model = self._load()
        return self._model.load_s

    def unload(self) -> None:
        """Give its memory back; the packages that it imported stay."""
        if self._model is None:
            return
        self._life.enter(State.UNLOADING)
        model, self._model = self._model, None
        model.adapter.unload()
        del model
        hardware.release(self._device)
        self._life.enter(State.UNLOADED)

    @contextmanager
    def use(self, variant: str | None) -> Iterator[LoadedModel]:
        """The model; raises `RuntimeError` while it is not loaded, which the child makes sure of before each batch."""
        if self._model is None:
            raise RuntimeError(f"{self.entry.name} is not loaded")
        yield self._model

    def tidy(self) -> float | None:
        """Nothing: the one model is unloaded as a whole."""
        return None

    def status(self) -> dict[str, Any]:
        """How long it took to load in seconds, and its voices; nothing while it is not loaded."""
        model = self._model
        if model is None:
            return {"load_s": None, "voices": [], "languages": []}
        voices = model.offer.voices
        return {
            "load_s": round(model.load_s, 3),
            "voices": sorted(voices),
            "languages": sorted(set(voices.values())),
        }
