"""The command `slotline slots`: what each GPU has room for and why, and which worker holds which slot."""

from __future__ import annotations

import json

import click

from tasks.catalog import catalog
from tasks.exit_codes import DONE
from tasks.redis import broker
from tasks.settings import settings
from tasks.terminal.printable import printable
from tasks.terminal.table import print_table

HEAD = ("slot", "worker", "model", "pid", "for", "state", "why")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def slots(as_json: bool) -> int:
    """Show this machine's slots: what each GPU has room for and why, and which worker holds each slot."""
    from workers.slots.overview import overview

    chosen = settings()
    with broker.connected(chosen.broker_url) as client:
        found = overview(client, catalog(), chosen)
    if as_json:
        click.echo(json.dumps({"slots": [row.fields() for row in found.rows], "note": found.note}, ensure_ascii=False))
        return DONE
    _print_slots([row.cells() for row in found.rows], found.note)
    return DONE


def _print_slots(rows: list[list[str]], note: str) -> None:
    """Print the table of slots, without the columns that are empty."""
    used = [i for i in range(len(HEAD)) if any(row[i] for row in rows)]
    print_table([HEAD[i] for i in used], [[row[i] for i in used] for row in rows], wrapped={"why"})
    if note:
        click.echo(printable(f"GPUs: {note}"))
