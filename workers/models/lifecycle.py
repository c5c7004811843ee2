"""A model's way from a table of the catalog to one that computes, inside a slot's child.

Holds the states and the one road between them; what unloads, evicts or reloads a model
is decided elsewhere. Loads the adapter's heavy packages, so it is called in the child alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from tasks.errors import CatalogError, MissingExtra, ModelLoadError, OutOfMemory, SettingsError, SlotlineError

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import Adapter, Offer


class State(StrEnum):
    """Where a slot's model stands: unloaded → loading → warming → ready ⇄ busy; failed ends it."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    BUSY = "busy"
    FAILED = "failed"


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
        """The model, loaded now if it is not, and kept while the block lasts; `variant` is None where there is one."""


@dataclass(frozen=True)
class OneModel:
    """A slot's one model, loaded for as long as its process lives."""

    model: LoadedModel

    @property
    def entry(self) -> ModelEntry:
        """The model's table."""
        return self.model.entry

    def use(self, variant: str | None) -> AbstractContextManager[LoadedModel]:
        """The model."""
        return nullcontext(self.model)


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
