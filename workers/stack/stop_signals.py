"""Stop signals, and the end of standard input, for a command that runs until it is stopped.

The handlers only count (`tasks/terminal/interrupt.py`), so they interrupt no start or stop; the
command checks the count between its steps. The third signal ends the process at once, and the
kernel ends what it started.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tasks.terminal.interrupt import STOP_SIGNALS, Interrupt

__all__ = ["STOP_SIGNALS", "StopSignals"]


class StopSignals(Interrupt):
    """Counts the stop signals inside its `with` block; with `watch_stdin` the end of stdin counts as one of them."""

    def __init__(self, watch_stdin: bool = False) -> None:
        super().__init__(noted=2)
        self._watch_stdin = watch_stdin
        self._has_stdin_ended = False

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        self._look_at_stdin(0.0)
        return self.count > 0

    @property
    def asked_twice(self) -> bool:
        """Whether a second signal came: then running batches are not waited for."""
        self._look_at_stdin(0.0)
        return self.count > 1

    @property
    def count(self) -> int:
        """How many signals came, the end of stdin among them."""
        return len(self.numbers) + self._has_stdin_ended

    def wait(self, limit_s: float | None, files: Sequence[int] = ()) -> Sequence[int]:
        """Wait `limit_s`, or until a signal comes or stdin ends."""
        if files or not self._watch_stdin:
            return super().wait(limit_s, files)
        self._look_at_stdin(limit_s)
        return []

    def _look_at_stdin(self, limit_s: float | None) -> None:
        if not self._watch_stdin:
            return
        stdin = sys.stdin.fileno()
        if super().wait(limit_s, [stdin]) and not os.read(stdin, 4096):
            self._watch_stdin = False
            self._has_stdin_ended = True
