"""Prints a table for people: plain columns, one line per row, also to a file or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence

PIPE_WIDTH = 240
"""Columns of a line that is not printed to a terminal."""


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], wrapped: Collection[str] = ()) -> None:
    """Print the rows under their headings; only the `wrapped` columns may take several lines."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in head:
        table.add_column(name, no_wrap=name not in wrapped)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)
