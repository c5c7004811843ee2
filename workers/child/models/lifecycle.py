"""A model's state inside a slot's child; the state changes only here.

The allowed transitions are in `workers/wire/state.py`. Other files decide when a model is loaded, unloaded or
evicted: `one.py`, `registry.py`, and the parent's `workers/duties/idle_unload.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from workers.wire.state import ALLOWED, LOADED, State

Listener = Callable[[State], None]


class Lifecycle:
    """One model's state. The thread that uses the model changes it; any thread may read it."""

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
        """Enter a state and call the listener with it.

        Raises `RuntimeError` for a transition that is not allowed, which is a bug of slotline; the listener is not
        called then.
        """
        if state not in ALLOWED[self.state]:
            raise RuntimeError(f"a model that is {self.state} cannot become {state}")
        self.state, self.since = state, self._clock()
        self._listen(state)
