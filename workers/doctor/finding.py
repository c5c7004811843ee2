"""A finding: one line about one thing, whether it works, and what to do where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tasks.terminal.printable import one_line


class Mark(StrEnum):
    """What a finding says."""

    FINE = "✓"
    """It works."""
    WRONG = "✗"
    """What is set up does not work, or may lose jobs: somebody must do something."""
    NOTE = "–"
    """It is optional and absent, or good to know: nothing has to be done."""


WORDS = {Mark.FINE: "fine", Mark.WRONG: "wrong", Mark.NOTE: "note"}
"""The marks as JSON shows them."""

ABOUT_WIDTH = 14


@dataclass(frozen=True)
class Finding:
    """`about` is the subject, such as `store`; `todo` is empty where nothing is to be done."""

    about: str
    mark: Mark
    what: str
    todo: str = ""

    def line(self) -> str:
        """As a terminal shows it."""
        said = one_line(f"{self.what} → {self.todo}" if self.todo else self.what)
        return f"{self.mark} {self.about:<{ABOUT_WIDTH}}{said}"

    def fields(self) -> dict[str, str]:
        """As JSON shows it."""
        return {"about": self.about, "mark": WORDS[self.mark], "what": one_line(self.what), "do": one_line(self.todo)}


def fine(about: str, what: str) -> Finding:
    return Finding(about, Mark.FINE, what)


def wrong(about: str, what: str, todo: str = "") -> Finding:
    return Finding(about, Mark.WRONG, what, todo)


def note(about: str, what: str, todo: str = "") -> Finding:
    return Finding(about, Mark.NOTE, what, todo)
