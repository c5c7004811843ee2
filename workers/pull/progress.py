"""Shows a pull on stderr: bars on a terminal, a line for each finished file elsewhere. Decides nothing."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from tasks.terminal.lines import LineDisplay
from tasks.terminal.printable import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class Lines(LineDisplay):
    """A line for each finished file, and for each note."""

    def update(self, name: str, done_bytes: int, total_bytes: int) -> None:
        """Nothing: lines are for what is finished."""

    def fetched(self, name: str, size_bytes: int) -> None:
        """Name the file and its size."""
        self.note(f"{one_line(name)}: {megabytes(size_bytes)}")


class Bars(Lines):
    """A bar for each file; it goes when the file is there, and a line stays."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bars = _bars(console)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def update(self, name: str, done_bytes: int, total_bytes: int) -> None:
        """Move the bar of this file."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(one_line(name), total=None)
        self._bars.update(self._tasks[name], completed=done_bytes, total=total_bytes or None)

    def fetched(self, name: str, size_bytes: int) -> None:
        """Take the bar away, and name the file."""
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        super().fetched(name, size_bytes)


def display() -> Lines:
    """Bars on a terminal, lines elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    return Bars(console) if console.is_terminal else Lines(console)


def megabytes(size_bytes: int) -> str:
    """`66.4 MB`, `26 kB`."""
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:,.0f} kB"


def _bars(console: Console) -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
