"""A model's life inside a slot's child: its states, which may follow which, and the road from a table to one that runs.

`ALLOWED` is the whole truth about the order of states, and `Lifecycle` the one place that
enters one. What unloads, evicts or reloads a model is decided elsewhere (`one.py`,
`registry.py`, and the parent's `workers/duties/idle_unload.py`). `load` imports an adapter's heavy
packages, so it is called in the child alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tasks.errors import CatalogError, MissingExtra, ModelLoadError, OutOfMemory, SettingsError, SlotlineError
from workers.wire.state import ALLOWED, LOADED, State

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import Adapter, Offer


Listener = Callable[[State], None]


class Lifecycle:
    """One model's state, entered by the thread that uses the model; any thread may read it."""

    def __init__(self, listen: Listener = lambda state: None, clock: Callable[[], float] = time.time) -> None:
        self._listen = listen
        self._clock = clock
        self.state = State.UNLOADED
        self.since = clock()
        """When the state began, in seconds since 1970."""

    @property
    def is_loaded(self) -> bool:
        """Whether the model can compute."""
        return self.state in LOADED

    def enter(self, state: State) -> None:
        """Enter a state and tell the listener.

        Raises `RuntimeError` for one that may not follow, which is a mistake of ours and no model's; nothing is told.
        """
        if state not in ALLOWED[self.state]:
            raise RuntimeError(f"a model that is {self.state} cannot become {state}")
        self.state, self.since = state, self._clock()
        self._listen(state)


@dataclass(frozen=True)
class LoadedModel:
    """A model that computes: its table, its adapter, what it says of itself, and how long it took in seconds."""

    entry: ModelEntry
    adapter: Adapter
    offer: Offer
    load_s: float


class Models(Protocol):
    """What a slot can compute with: one model, or many small ones of one adapter."""

    @property
    def entry(self) -> ModelEntry:
        """The model's table."""

    def use(self, variant: str | None) -> AbstractContextManager[LoadedModel]:
        """The model, loaded now if it is not, and kept while the block lasts; `variant` is None where there is one.

        Where there are many, raises a `SlotlineError` that is the fault of those inputs alone which asked for it;
        anything else is the slot's own, and costs its child.
        """


class Served(Models, Protocol):
    """`Models`, as the slot's child brings them up and down; by its main thread, but for `told`."""

    @property
    def offer(self) -> Offer | None:
        """What the one model says of itself while it is loaded; None where there are many."""

    def load(self) -> float:
        """Make ready, which takes as long as a model takes to load; the seconds. Raises a `SlotlineError`."""

    def unload(self) -> None:
        """Give all memory back."""

    def tidy(self) -> float | None:
        """Give back what has been idle for too long; in how many seconds to ask again, None: after the next batch."""

    def told(self) -> dict[str, Any]:
        """What it can tell of itself, as JSON; from any thread, also while it computes or loads."""


def load(
    entry: ModelEntry, device: str, warm_up: bool = True, tell: Callable[[State], None] = lambda state: None
) -> LoadedModel:
    """Load the model on `device` (`cpu`, `cuda:0`) and run it once; `tell` hears each state that it enters.

    Raises a `SlotlineError` of one line, whatever went wrong inside.
    """
    from workers.adapters import adapter_of

    began = time.monotonic()
    tell(State.LOADING)
    try:
        adapter = adapter_of(entry, device)
        offer = adapter.load()
        if warm_up:
            tell(State.WARMING)
            adapter.warm_up()
    except SlotlineError:
        raise
    except MemoryError as exc:
        raise OutOfMemory(f"memory ran out while {entry.name} was loaded") from exc
    except Exception as exc:  # the boundary to foreign model code
        said = " ".join(str(exc).split()) or "no reason given"
        raise ModelLoadError(f"{type(exc).__name__}: {said}") from exc
    return LoadedModel(entry, adapter, offer, time.monotonic() - began)


def can_be_retried(error: BaseException) -> bool:
    """Whether loading once more may help: not where a package or the catalog is at fault."""
    return not isinstance(error, (MissingExtra, CatalogError, SettingsError))
