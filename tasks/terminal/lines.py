"""Lines on a console for people, as they are: nothing in them is markup, an emoji's name, or controls the terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from tasks.terminal.printable import printable

if TYPE_CHECKING:
    from rich.console import Console


def print_as_is(console: Console, line: str, kept: str = "") -> None:
    """Print one line, which is never broken; of the characters that control a terminal only those in `kept` stay."""
    console.print(printable(line, kept), markup=False, emoji=False, highlight=False, soft_wrap=True)


class LineDisplay:
    """The base of displays that say lines: a context manager with nothing to begin and nothing to remove."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to remove."""

    def note(self, line: str) -> None:
        """Say one line; above the bars, where the display has some."""
        print_as_is(self._console, line)
