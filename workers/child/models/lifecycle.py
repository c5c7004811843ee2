"""A model's states inside a slot's child, and the one place that enters one.

Which state may follow which stands in `workers/wire/state.py`. When a model is loaded, unloaded or evicted
is decided elsewhere: `one.py`, `registry.py`, and the parent's `workers/duties/idle_unload.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from workers.wire.state import ALLOWED, LOADED, State

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
        """Enter a state and call the listener with it.

        Raises `RuntimeError` for a state that may not follow, a fault of slotline's own; the listener is not called.
        """
        if state not in ALLOWED[self.state]:
            raise RuntimeError(f"a model that is {self.state} cannot become {state}")
        self.state, self.since = state, self._clock()
        self._listen(state)
