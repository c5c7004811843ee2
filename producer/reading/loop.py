"""Follows readings until they have ended, and shows them; goes on after a restart of Redis. Starts nothing."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from producer.looks import PATIENCE_S
from producer.reading.chapter_row import ChapterRow
from producer.reading.reading import Reading
from tasks.errors import BrokerUnavailable
from tasks.terminal import interrupt

LOOK_EVERY_S = 0.2


class Display(Protocol):
    """How readings are shown. A context manager: bars are taken away at its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def note(self, line: str) -> None:
        """Say one line."""

    def ended(self, reading: Reading, row: ChapterRow) -> None:
        """Show that a chapter has ended."""

    def update(self, readings: Sequence[Reading], now_s: float) -> None:
        """Show how far everything is."""


def run(readings: Sequence[Reading], display: Display, check: Callable[[], None] = lambda: None) -> None:
    """Step all readings until the last has ended; `check` may raise what makes waiting useless.

    Raises `Interrupted` after a stop signal, `BrokerUnavailable` if Redis does not answer for longer than `PATIENCE_S`.
    """
    away_since_s: float | None = None
    while True:
        now_s = time.monotonic()
        try:
            interrupt.call(functools.partial(_step_all, readings, display, now_s))
            away_since_s = None
        except BrokerUnavailable as exc:
            if away_since_s is None:
                away_since_s = now_s
                display.note(f"{exc}; waiting for it")
            elif now_s - away_since_s > PATIENCE_S:
                raise
        check()
        display.update(readings, now_s)
        if all(reading.ended for reading in readings):
            return
        interrupt.pause(LOOK_EVERY_S)


def _step_all(readings: Sequence[Reading], display: Display, now_s: float) -> None:
    for reading in readings:
        if not reading.ended:
            for row in reading.step(now_s):
                display.ended(reading, row)
