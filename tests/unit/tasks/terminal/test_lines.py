"""Lines as they are, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tasks.terminal.lines import LineDisplay, print_as_is


@pytest.mark.parametrize("terminal", [True, False])
def test_a_line_is_printed_as_it_is_and_never_broken(terminal: bool) -> None:
    out = io.StringIO()
    long = "a [b]note[/b] :smile: 12:30 " + "word " * 40
    with LineDisplay(Console(file=out, force_terminal=terminal, width=40)) as lines:
        lines.note(long + "\x1b[2J")
    assert out.getvalue() == long + "\\x1b[2J\n"


def test_what_controls_the_terminal_stays_only_where_it_is_wanted() -> None:
    out = io.StringIO()
    print_as_is(Console(file=out, width=40), "a\tb\x1b", kept="\t")
    assert out.getvalue() == "a       b\\x1b\n"
