"""The command `slotline doctor`: what this machine has, one line each, and what to do where something does not work.

Starts nothing and changes nothing; answers within seconds, whatever hangs. Exit status: 0, or 1 where something that is
set up does not work.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from tasks.errors import CatalogError, SettingsError
from tasks.exit_codes import DONE, FAILED
from tasks.terminal.printable import counted
from workers.doctor.examination import Check, examine
from workers.doctor.finding import Finding, Mark, wrong

if TYPE_CHECKING:
    from tasks.settings import Settings

NO_STORE = "look at the disk or the network under SLOTLINE_STORE_URL"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(as_json: bool) -> int:
    """Show what this machine has, and what to do where something is wrong; the exit status is then 1."""
    found = findings()
    faults = [one for one in found if one.mark is Mark.WRONG]
    if as_json:
        fields = {"healthy": not faults, "findings": [one.fields() for one in found]}
        click.echo(json.dumps(fields, ensure_ascii=False))
    else:
        for one in found:
            click.echo(one.line())
        click.echo(f"{counted(len(faults), 'thing')} to repair" if faults else "nothing to repair")
    return FAILED if faults else DONE


def findings() -> list[Finding]:
    """All findings, in the order in which they are shown."""
    from tasks.settings import settings

    try:
        return _with_settings(settings())
    except SettingsError as exc:
        return [*examine([*_machine("cpu"), *_environment()]), wrong("settings", str(exc), "see docs/settings.md")]
    except ImportError as exc:  # a library is missing or broken: it is named, and nothing else can be looked at
        broken = wrong("slotline", f"a part of it cannot be imported: {exc}", "pip install --force-reinstall slotline")
        return [*examine(list(_machine("cpu"))), broken]


def _with_settings(chosen: Settings) -> list[Finding]:
    from tasks.store.artifacts import Store
    from workers.doctor import devices, fleet, store
    from workers.doctor.broker import BrokerCheck

    broker, place = BrokerCheck(chosen), Store(chosen.store)
    first = [
        *_machine(chosen.device),
        *_environment(),
        Check("GPU", lambda: devices.of_gpus(chosen), "look at `nvidia-smi`: the driver hangs"),
        Check("broker", lambda: broker.look(_models), "look at the network and the name in CELERY_BROKER_URL"),
        Check("store", lambda: store.of_store(place), NO_STORE),
        Check("models", lambda: _catalog(chosen), "look at the disk or the network under models.toml and its paths"),
    ]
    found = examine(first)
    if (client := broker.client) is None:
        return found
    rest = [
        Check("store", lambda: store.of_workers_store(place, client), NO_STORE),
        Check("workers", lambda: fleet.of_workers(client, _models())),
    ]
    return found + examine(rest)


def _machine(device: str) -> Iterator[Check]:
    """What is installed."""
    from workers.doctor import packages
    from workers.doctor.declared import declared

    yield Check("Python", lambda: packages.of_python(declared()))
    yield Check("libraries", lambda: packages.of_libraries(declared()))
    yield Check("extras", lambda: packages.of_extras(declared(), "cuda:0" if device == "cuda" else "cpu"))


def _environment() -> Iterator[Check]:
    """What is set, and what runs here."""
    from workers.doctor import broker, settings

    yield Check("settings", lambda: settings.of_variables(os.environ))
    yield Check("Redis server", broker.of_server)
    yield Check("stack", settings.of_stacks)


def _models() -> tuple[str, ...]:
    """The names in the catalog; none where it cannot be read, which `_catalog` says."""
    from tasks.catalog import catalog

    try:
        return tuple(catalog())
    except CatalogError:
        return ()


def _catalog(chosen: Settings) -> Iterable[Finding]:
    from tasks.catalog import catalog, catalog_path, default_path
    from workers.commands.model_rows import row
    from workers.doctor.models import of_models
    from workers.pull.recipes import RECIPES
    from workers.slots.fitting import Machine

    try:
        models = catalog()
    except CatalogError as exc:
        return [wrong("models", str(exc))]
    machine = Machine.looked_at(None, chosen)
    rows = (row(one, RECIPES.get(name), machine.fit, verify=False, with_size=False) for name, one in models.items())
    path = catalog_path().resolve()
    return of_models(rows, str(path), path != default_path())
