"""What a pull shows on stderr."""

from __future__ import annotations

import io

from rich.console import Console

from workers.pull.progress import Bars, Lines


def shown(display: type[Lines], terminal: bool) -> str:
    text = io.StringIO()
    with display(Console(file=text, force_terminal=terminal, width=120)) as report:
        report.note("a [b]note[/b]\x1b[2J")
        report.update("one.bin", 1_000_000, 2_000_000)
        report.update("one.bin", 2_000_000, 2_000_000)
        report.fetched("one.bin", 2_000_000)
        report.fetched("never updated", 500_000)
    return text.getvalue()


def test_lines_say_what_is_finished_and_nothing_else() -> None:
    assert shown(Lines, False) == "a [b]note[/b]\\x1b[2J\none.bin: 2.0 MB\nnever updated: 500 kB\n"


def test_bars_leave_the_same_lines() -> None:
    text = shown(Bars, True)
    assert "one.bin: 2.0 MB" in text
    assert "a [b]note[/b]\\x1b[2J" in text
