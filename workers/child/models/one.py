"""A slot's one model: loads and unloads it. Does not decide when.

Only the child's main thread uses it and the adapter; `status` may be called from any thread.
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
    """The model of a table without `{id}`; `load` loads it, `life` has its state, `gone` hears that it is unloaded."""

    def __init__(
        self,
        entry: ModelEntry,
        device: str,
        life: Lifecycle,
        load: Callable[[], LoadedModel],
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self.entry = entry
        self._device = device
        self._life = life
        self._load = load
        self._gone = gone
        self._model: LoadedModel | None = None
        self._offered: Offer | None = None
        """What it offered when it was loaded last."""

    @property
    def offer(self) -> Offer | None:
        """The model's offer; None while it is not loaded."""
        model = self._model
        return model.offer if model else None

    def load(self) -> float:
        """Load it; returns the seconds. `life` enters loading and warming, not ready. Raises a `SlotlineError`."""
        self._model = self._load()
        self._offered = self._model.offer
        return self._model.load_s

    def unload(self) -> None:
        """Free its memory; the packages that it imported stay in memory."""
        if self._model is None:
            return
        self._life.enter(State.UNLOADING)
        model, self._model = self._model, None
        model.adapter.unload()
        del model
        hardware.release(self._device)
        self._gone()
        self._life.enter(State.UNLOADED)

    @contextmanager
    def use(self, variant: str | None) -> Iterator[LoadedModel]:
        """The model; raises `RuntimeError` if it is not loaded. The child loads it before each run."""
        yield self.fetch(variant)

    def fetch(self, variant: str | None) -> LoadedModel:
        """The model; raises `RuntimeError` if it is not loaded."""
        if self._model is None:
            raise RuntimeError(f"{self.entry.name} is not loaded")
        return self._model

    def tidy(self) -> float | None:
        """Does nothing: the parent decides when the one model is unloaded."""
        return None

    def status(self) -> dict[str, Any]:
        """The seconds that its load took, None while it is not loaded; its voices, empty until it was loaded once.

        `languages` are those of its voices, as tags; `available_languages` those that it can speak now, in the
        adapter's own names.
        """
        model, offered = self._model, self._offered
        voices = offered.voices if offered else {}
        languages = sorted(set(voices.values()))
        return {
            "load_s": None if model is None else round(model.load_s, 3),
            "voices": sorted(voices),
            "languages": languages,
            "available_languages": list(offered.languages if offered else ()) or languages,
        }
