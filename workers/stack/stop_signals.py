"""Stop signals, and the end of standard input, for a command that runs until it is stopped.

The handlers only count, so they interrupt no start or stop; the command checks the count
between its steps.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from types import FrameType, TracebackType
from typing import Any, Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Counts the stop signals inside its `with` block; with `watch_stdin` the end of stdin counts as one of them."""

    def __init__(self, watch_stdin: bool = False) -> None:
        self.count = 0
        self._watch_stdin = watch_stdin
        self._before: dict[signal.Signals, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        self._look_at_stdin(0.0)
        return self.count > 0

    @property
    def asked_twice(self) -> bool:
        """Whether a second signal came: then running batches are not waited for."""
        return self.count > 1

    def wait(self, limit_s: float) -> None:
        """Wait `limit_s`, or until stdin ends."""
        if self._watch_stdin:
            self._look_at_stdin(limit_s)
        else:
            time.sleep(limit_s)

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._count) for number in STOP_SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.count += 1

    def _look_at_stdin(self, limit_s: float) -> None:
        if not self._watch_stdin:
            return
        readable, _, _ = select.select([sys.stdin.fileno()], [], [], limit_s)
        if readable and not os.read(sys.stdin.fileno(), 4096):
            self._watch_stdin = False
            self.count += 1
