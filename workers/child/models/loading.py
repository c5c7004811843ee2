"""Loads a model from its table: makes its adapter, loads it, warms it up.

Imports an adapter's heavy packages, so it runs only in a slot's child. Does not decide when.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tasks.errors import CatalogError, MissingExtra, ModelLoadError, OutOfMemory, SettingsError, SlotlineError
from workers.child.models.base import LoadedModel
from workers.wire.state import State

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry


def load(
    entry: ModelEntry, device: str, warm_up: bool = True, enter: Callable[[State], None] = lambda state: None
) -> LoadedModel:
    """Load the model on `device` (`cpu`, `cuda:0`) and run it once; `enter` is called with `loading` and `warming`.

    Raises a `SlotlineError` with a message of one line for any error.
    """
    from workers.adapters import adapter_of, hardware

    began = time.monotonic()
    enter(State.LOADING)
    try:
        adapter = adapter_of(entry, device)
        offer = adapter.load()
        if warm_up:
            enter(State.WARMING)
            adapter.warm_up()
    except SlotlineError:
        raise
    except MemoryError as exc:
        raise OutOfMemory(f"memory ran out while {entry.name} was loaded") from exc
    except Exception as exc:  # the boundary to the model's own code
        if hardware.memory_error(exc, device) is not None:
            reason = hardware.one_line(exc)
            raise OutOfMemory(f"memory ran out while {entry.name} was loaded: {reason}") from exc
        reason = " ".join(str(exc).split()) or "no reason given"
        raise ModelLoadError(f"{type(exc).__name__}: {reason}") from exc
    return LoadedModel(entry, adapter, offer, time.monotonic() - began)


def can_be_retried(error: BaseException) -> bool:
    """Whether a second load may succeed: not if a package or the catalog is at fault."""
    return not isinstance(error, (MissingExtra, CatalogError, SettingsError))
