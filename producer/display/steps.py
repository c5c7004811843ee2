"""Shows the step that is under way of a job whose parts are jobs themselves: a text is spoken first, then shown."""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING

from producer.looks import Progress, look
from tasks.errors import BrokerUnavailable
from tasks.terminal import interrupt

if TYPE_CHECKING:
    from producer.connection import Connection
    from producer.display.job_bar import JobBar

LOOK_EVERY_S = 0.5

STEPS = ((".2", "film"), (".1", "speech"))
"""The steps of a film of a text: how the id of each one's job ends, the later one first."""


class Steps:
    """Keeps a bar up to date while a film is waited for; the film of a sound has no steps, and is shown itself."""

    def __init__(self, bar: JobBar, connection: Connection, job_id: str, title: str) -> None:
        self._bar, self._connection, self._job_id, self._title = bar, connection, job_id, title
        self._has_steps = False
        self._next_s = 0.0

    def on_progress(self, progress: Progress) -> None:
        """The job itself has changed."""
        if not self._has_steps:
            self._bar.update(progress)

    def on_look(self) -> None:
        """Look at the steps, if the last look was long ago."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + LOOK_EVERY_S
            with contextlib.suppress(BrokerUnavailable):
                self._show_step()

    def _show_step(self) -> None:
        for ending, step in STEPS:
            found = interrupt.call(functools.partial(look, self._connection, self._job_id + ending))
            if found.is_known:
                self._has_steps = True
                self._bar.begin(f"{self._title}: {step}")
                self._bar.update(found.progress)
                return
