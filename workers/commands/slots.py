"""The command `slotline slots`: what each GPU has room for and why, and who holds which slot of this machine."""

from __future__ import annotations

import contextlib
import json
import sys

import click

from tasks import broker
from tasks.catalog import catalog
from tasks.settings import settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def slots(as_json: bool) -> int:
    """Show this machine's slots: what each GPU has room for and why, and who holds which slot now."""
    from workers.slots.overview import overview

    chosen = settings()
    with broker.speaking(chosen.broker_url), contextlib.closing(broker.client(chosen.broker_url)) as client:
        found = overview(client, catalog(), chosen)
    if as_json:
        click.echo(json.dumps({"slots": [row.fields() for row in found.rows], "note": found.note}, ensure_ascii=False))
        return 0
    _print_slots([row.cells() for row in found.rows], found.note)
    return 0


def _print_slots(rows: list[list[str]], note: str) -> None:
    """Print the table of slots; a column that nobody fills is left out."""
    from rich.console import Console
    from rich.table import Table

    head = ("slot", "worker", "model", "pid", "for", "state", "why")
    used = [i for i in range(len(head)) if any(row[i] for row in rows)]
    table = Table(box=None, pad_edge=False)
    for i in used:
        table.add_column(head[i], no_wrap=head[i] != "why")
    for row in rows:
        table.add_row(*(row[i] for i in used))
    # Into a file or a pipe a line of the table stays a line.
    Console(width=None if sys.stdout.isatty() else 240).print(table)
    if note:
        click.echo(f"GPUs: {note}")
