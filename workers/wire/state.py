"""The states of a slot's model, as child and parent name them, and which may follow which. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a model stands: unloaded → loading → warming → ready ⇄ busy → unloading → unloaded; failed ends it."""

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
"""Which state may follow which. `unloaded` fails where the turn to load on a GPU ends in no room."""

LOADED = frozenset({State.READY, State.BUSY})
LOADING = frozenset({State.LOADING, State.WARMING})
