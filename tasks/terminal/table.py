"""Prints a table on stdout for people: plain columns, one line per row, also to a file or a pipe.

Guarantees that each cell is printed as it is: nothing in it is read as markup, and no character
of it controls the terminal. Ids and numbers are never cut or broken: where the terminal is too
narrow even for them, it breaks the line itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from tasks.terminal.lines import print_as_is
from tasks.terminal.printable import one_line

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 240
"""Columns of a line that is not printed to a terminal."""

NARROWEST = 12
"""Columns that are left to a title or a reason on a narrow terminal."""

GAP = 2
"""Columns between two columns of a table."""


def console() -> Console:
    """Stdout; wide if it is not a terminal."""
    from rich.console import Console

    plain = Console()
    return plain if plain.is_terminal else Console(width=PIPE_WIDTH)


def print_line(line: str) -> None:
    """Print one line as it is, below a table; it is never broken."""
    print_as_is(console(), line, kept="\n\t")


def print_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    wrapped: Collection[str] = (),
    shortened: Collection[str] = (),
    right: Collection[str] = (),
) -> None:
    """Print the rows under their headings; a row may be shorter than the head.

    Only the `wrapped` columns may take several lines, and only those and the `shortened` ones become narrower where
    the terminal is narrow. The `right` ones are aligned to the right.
    """
    from rich.cells import cell_len
    from rich.console import ConsoleDimensions
    from rich.table import Table
    from rich.text import Text

    lines = [[one_line(cell) for cell in row] for row in rows]
    columns = zip_longest(head, *lines, fillvalue="")
    widest = {name: max(map(cell_len, (name, *cells))) for name, *cells in columns}
    out = console()
    flexible = {name for name in head if name in wrapped or name in shortened}
    widths = column_widths(widest, flexible, out.width)
    table = Table(box=None, pad_edge=False)
    for name in head:
        table.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=name not in wrapped,
            overflow="fold" if name in wrapped else "ellipsis",
            width=widths[name],
        )
    for line in lines:
        table.add_row(*map(Text, line))
    # Both, because rich ignores a width alone where TERM is `dumb`.
    out.size = ConsoleDimensions(max(out.width, _sum_of(widths)), out.height)
    out.print(table)


def column_widths(widest: Mapping[str, int], flexible: Collection[str], available: int) -> dict[str, int]:
    """Each column's width by name: its widest cell's, but less for the flexible ones if it must be. Pure."""
    widths = dict(widest)
    too_much = _sum_of(widths) - available
    for name in sorted(flexible, key=lambda one: -widest[one]):
        less = max(0, min(too_much, widest[name] - NARROWEST))
        widths[name] -= less
        too_much -= less
    return widths


def _sum_of(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)
