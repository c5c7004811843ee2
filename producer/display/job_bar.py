"""Shows one job on stderr: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import rich.progress
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

from producer.display.durations import duration
from producer.reading.eta import Eta
from tasks.errors import SlotlineError
from tasks.terminal import interrupt
from tasks.terminal.lines import print_as_is
from tasks.terminal.printable import counted, shortened

if TYPE_CHECKING:
    from rich.console import Console

    from producer.client import Client
    from producer.looks import Progress
    from tasks.pauses import Pause

PLAIN_EVERY_S = 5.0
ESTIMATE_EVERY_S = 1.0
NAME_CHARS = 40


class JobBar:
    """Shows a job's progress, and the time left.

    The time is that of `estimate`, which is asked once a second at most. Where it says nothing, it follows from the
    pace of this job's own parts since the bar began.
    """

    def __init__(self, console: Console, job_id: str, estimate: Callable[[], float | None] = lambda: None) -> None:
        self._console = console
        self._name = job_id
        self._estimate = estimate
        self._estimated: tuple[float, float | None] | None = None
        self._eta = Eta()
        self._last_s: float | None = None
        self._pause: Pause | None = None
        self._bar = rich.progress.Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task(shortened(job_id, NAME_CHARS), total=None, text="")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def _note_pause(self, pause: Pause | None) -> None:
        """Say in one line, once, that the job's model is paused, or resumed."""
        if pause != self._pause:
            said = pause.advice() if pause else f"{self._pause.model if self._pause else ''} is resumed"
            print_as_is(self._console, said)
        self._pause = pause

    def _left_s(self, now_s: float, parts: int) -> float | None:
        if self._estimated is None or now_s - self._estimated[0] >= ESTIMATE_EVERY_S:
            self._estimated = now_s, self._estimate()
        at_s, left_s = self._estimated
        return self._eta.left_s(now_s, parts) if left_s is None else max(0.0, left_s - (now_s - at_s))

    def begin(self, name: str) -> None:
        """From now on it shows another stage of the job; does nothing if it is the same one."""
        if name != self._name:
            self._name, self._eta = name, Eta()
            self._bar.update(self._task, description=shortened(name, NAME_CHARS))

    def update(self, progress: Progress) -> None:
        """Show this progress; called when it has changed."""
        now_s = time.monotonic()
        self._note_pause(progress.pause)
        self._eta.add(now_s, progress.computed)
        left = duration(self._left_s(now_s, progress.total - progress.settled))
        failed = f", {progress.failed} failed" if progress.failed else ""
        parts = counted(progress.total, "part")
        text = f"{progress.settled}/{parts}{failed}, {left} left" if progress.total else progress.state
        if self._console.is_terminal:
            self._bar.update(self._task, total=progress.total or None, completed=progress.settled, text=text)
        elif self._last_s is None or now_s - self._last_s >= PLAIN_EVERY_S:
            self._last_s = now_s
            print_as_is(self._console, text)


def left_s(client: Client, job_id: str) -> float | None:
    """The estimated seconds until its end; None while they are not known. A wait goes on while Redis is away."""
    try:
        return interrupt.call(functools.partial(client.estimate, job_id)).seconds_left
    except SlotlineError:
        return None
