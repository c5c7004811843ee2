"""The states of a slot's model, for child and parent, and the allowed transitions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """A model's state: unloaded → loading → warming → ready ⇄ busy → unloading → unloaded; failed ends it."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    BUSY = "busy"
    UNLOADING = "unloading"
    FAILED = "failed"


ALLOWED: Mapping[State, frozenset[State]] = {
    State.UNLOADED: frozenset({State.LOADING, State.FAILED}),
    State.LOADING: frozenset({State.WARMING, State.READY, State.FAILED}),
    State.WARMING: frozenset({State.READY, State.FAILED}),
    State.READY: frozenset({State.BUSY, State.UNLOADING}),
    State.BUSY: frozenset({State.READY}),
    State.UNLOADING: frozenset({State.UNLOADED, State.FAILED}),
    State.FAILED: frozenset(),
}
"""The allowed transitions. `unloaded` becomes `failed` if the GPU has no room when the model's turn comes."""

LOADED = frozenset({State.READY, State.BUSY})
LOADING = frozenset({State.LOADING, State.WARMING})
