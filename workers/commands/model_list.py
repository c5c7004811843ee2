"""The command `slotline model list`: what each table of the catalog is on this machine, and what can be fetched.

Needs no worker, and no Redis: without Redis it does not know what is in use and was measured, and says so. Exit
status: 0; with `--verify` 1 if a model is not whole; 2 for a catalog that cannot be read.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tasks.catalog import catalog
from tasks.errors import BrokerRefused, BrokerUnavailable
from tasks.exit_codes import DONE, FAILED
from tasks.redis import broker
from tasks.settings import settings
from tasks.terminal.printable import counted, one_line, printable
from tasks.terminal.table import print_table
from workers.commands.model_rows import Available, Row, There, available, row
from workers.pull import manifest
from workers.pull.place import models_folder
from workers.pull.recipes import RECIPES

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import Catalog

HEAD = ("model", "adapter", "files", "size", "licence", "packages", "fits", "path")
GUESS = "slots in use and measured memory are not known, and what fits is a guess"
AVAILABLE = ("not in the catalog", "what", "licence", "to fetch", "command")


@click.command(name="list")
@click.option("--verify", is_flag=True, help="Read all files of pulled models, and compare their SHA-256.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_models(verify: bool, as_json: bool) -> int:
    """List the models of models.toml: files, size, licence, packages, and how many slots fit this machine."""
    models = catalog()
    with _redis() as (client, note):
        rows = list(_rows(models, client, verify))
    rest = available(RECIPES, models, models_folder())
    if as_json:
        fields = {"catalog": models.source, "models": [one.fields() for one in rows], "note": note}
        click.echo(json.dumps({**fields, "available": [one.fields() for one in rest]}, ensure_ascii=False))
    else:
        _print(models, rows, rest, note)
    return FAILED if verify and any(not one.is_in_order for one in rows) else DONE


def _rows(models: Catalog, client: Redis | None, verify: bool) -> Iterator[Row]:
    from workers.slots.fitting import Machine

    machine = Machine.looked_at(client, settings())
    for name, entry in models.items():
        if verify and entry.path and manifest.read(Path(entry.path)):
            click.echo(printable(f"{name}: reading its files …"), err=True)
        yield row(entry, RECIPES.get(name), machine.fit, verify)


@contextlib.contextmanager
def _redis() -> Iterator[tuple[Redis | None, str]]:
    """A client of the broker, or None with the reason why there is none."""
    with contextlib.ExitStack() as stack:
        try:
            found: tuple[Redis | None, str] = stack.enter_context(broker.connected(settings().broker_url)), ""
        except BrokerUnavailable:
            found = None, f"no Redis answers: {GUESS}"
        except BrokerRefused as exc:
            found = None, f"{exc}: {GUESS}"
        yield found


def _print(models: Catalog, rows: list[Row], rest: list[Available], note: str) -> None:
    cells = [_cells(one) for one in rows]
    used = [i for i in range(len(HEAD)) if any(line[i] for line in cells)]
    print_table([HEAD[i] for i in used], [[line[i] for i in used] for line in cells], wrapped={"licence", "path"})
    click.echo()
    for one in rows:
        if why := _why(one):
            click.echo(one_line(f"{one.name}: {why}"))
    click.echo(printable(f"from {models.source}"))
    if note:
        click.echo(printable(note))
    if rest:
        click.echo()
        print_table(AVAILABLE, [_available_cells(one) for one in rest], wrapped={"what", "licence"})


def _cells(one: Row) -> list[str]:
    return [
        one.name,
        one.adapter,
        str(one.there),
        "" if one.size_bytes is None else _megabytes(one.size_bytes),
        one.licence or ("not known" if one.path else ""),
        "" if one.there is There.WRONG else "lacking" if one.install else "installed",
        _fits(one),
        one.path,
    ]


def _why(one: Row) -> str:
    """What is wrong with it, and the sum of what fits on GPUs."""
    is_wrong = one.there is There.WRONG  # then the rest says the same once more
    is_plain = one.fit.device == "cpu" and one.fit.more
    return "; ".join(part for part in (one.why, one.install, "" if is_wrong or is_plain else one.fit.why) if part)


def _fits(one: Row) -> str:
    """`2 GPU slots`, `1 CPU slot`, `no`."""
    kind = "GPU" if one.fit.device == "cuda" else "CPU"
    return counted(one.fit.more, f"{kind} slot") if one.fit.more else "no"


def _available_cells(one: Available) -> list[str]:
    fetch = "is here" if one.is_here else _megabytes(one.size_bytes) if one.size_bytes else "not known"
    return [one.recipe.name, one.recipe.what, one.recipe.licence, fetch, one.command]


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
