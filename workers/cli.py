"""The commands that start or show workers: `slotline up`, `slotline slots`, `slotline health`.

Each reads its options, calls what does the work, and prints; errors travel up as
`SlotlineError` and become one line there (`tasks/command.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
from pathlib import Path

import click

from tasks import broker
from tasks.catalog import catalog
from tasks.errors import BrokerUnavailable, InvalidInput
from tasks.settings import BROKER_SCHEMES, data_home, settings
from workers.local import LocalStack, Wanted
from workers.stopping import Stopping

STEP_S = 0.25
DEFAULT_MODEL = "espeak"
_MODEL = re.compile(r"(?P<name>[^=]+)(=(?P<slots>\d{1,4}))?")


def models_of(given: tuple[str, ...], cpu_slots: int) -> dict[str, int]:
    """Slots a model from `NAME[=SLOTS]` words; none at all means espeak on all CPU slots. Raises `InvalidInput`."""
    wanted: dict[str, int] = {}
    for word in given:
        match = _MODEL.fullmatch(word)
        slots = int(match["slots"] or 1) if match else 0
        if match is None or slots < 1:
            raise InvalidInput(f"--model: {word!r} is no NAME or NAME=SLOTS with 1 slot or more, such as espeak=2")
        wanted[match["name"]] = wanted.get(match["name"], 0) + slots
    return wanted or {DEFAULT_MODEL: cpu_slots}


@click.command()
@click.option("--model", "models", multiple=True, metavar="NAME[=SLOTS]", help="A model and its slots; repeatable.")
@click.option("--flow", default=1, show_default=True, type=click.IntRange(0, 64), help="Processes of the flow worker.")
@click.option("--redis-port", default=0, type=click.IntRange(0, 65535), help="Of the embedded Redis; 0: a free one.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder for Redis, store and logs.")
@click.option("--broker", "broker_url", metavar="URL", help="Use this Redis instead of an embedded one.")
@click.option("--lazy", is_flag=True, help="Let the first job of each slot load its model (SLOTLINE_LAZY).")
@click.option("--ready-json", is_flag=True, hidden=True, help="One JSON line when ready; stop when stdin closes.")
def up(
    models: tuple[str, ...],
    flow: int,
    redis_port: int,
    data: Path | None,
    broker_url: str | None,
    lazy: bool,
    ready_json: bool,
) -> int:
    """Run everything on this machine: Redis, slot workers, a flow worker. Ctrl-C stops it all.

    Uses the Redis of CELERY_BROKER_URL where one answers, else an embedded one.
    """
    folder = (data or data_home()).expanduser().absolute()
    wanted = Wanted(
        models=models_of(models, settings().cpu_slots),
        flow=flow,
        data=folder,
        broker_url=_broker(broker_url, redis_port),
        redis_port=redis_port,
        lazy=lazy or settings().lazy,
    )
    for model in wanted.models:
        catalog()[model]
    with Stopping(watch_stdin=ready_json) as stopping:
        stack = LocalStack(wanted, settings(), _tell, lambda: stopping.asked)
        try:
            if stack.start():
                _announce_json(stack) if ready_json else _announce(stack)
            while not stopping.asked:
                stopping.wait(STEP_S)
                stack.step()
        finally:
            stack.stop(lambda: stopping.asked_twice)
    return 0


def _broker(option: str | None, redis_port: int) -> str | None:
    """The broker to use, or None for an embedded one."""
    if option:
        if not option.startswith(BROKER_SCHEMES):
            raise InvalidInput(f"--broker: {broker.shown(option)} is no Redis URL, such as redis://localhost:6379/0")
        return option
    chosen = os.environ.get("CELERY_BROKER_URL")
    if not chosen or redis_port:
        return None
    try:
        with broker.speaking(chosen):
            client = broker.client(chosen)
            client.ping()
            client.close()
    except BrokerUnavailable:
        _tell(f"nothing answers at CELERY_BROKER_URL ({broker.shown(chosen)}): an embedded Redis takes its place")
        return None
    return chosen


def _tell(line: str) -> None:
    click.echo(f"slotline: {line}", err=True)


def _announce_json(stack: LocalStack) -> None:
    ready = {"broker_url": stack.broker_url, "store_url": stack.store_url, "data": str(stack.wanted.data)}
    click.echo(json.dumps(ready))
    sys.stdout.flush()


def _announce(stack: LocalStack) -> None:
    exports = [f"export CELERY_BROKER_URL={stack.broker_url}"]
    if stack.store_url != settings().store:
        exports.append(f"export SLOTLINE_STORE_URL={stack.store_url}")
    lines = [
        "slotline is up:",
        f"  Redis    {broker.shown(stack.broker_url)}",
        f"  workers  {', '.join(holder.worker for holder in stack.holders)}",
        f"  store    {stack.store_url}",
        f"  logs     {stack.logs}",
        "",
        "Use it from another terminal:",
        *(f"  {line}" for line in exports),
        "  slotline read FILE",
        "",
        "Ctrl-C stops everything.",
    ]
    click.echo("\n".join(lines))
    sys.stdout.flush()


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


@click.command()
@click.option("--model", metavar="NAME", help="Only the slot workers of this model.")
@click.option("--host", metavar="NAME", help="Only the workers of this host.")
@click.option("--here", is_flag=True, help="Only the workers of this host or container; for its own health check.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def health(model: str | None, host: str | None, here: bool, as_json: bool) -> int:
    """Tell whether the workers are healthy; the exit status is 0 when all are, else 1."""
    from tasks import health as beats

    if host and here:
        raise InvalidInput("--host: --here names the host already; give one of them")
    host = socket.gethostname() if here else host
    chosen = settings()
    with broker.speaking(chosen.broker_url), contextlib.closing(broker.client(chosen.broker_url)) as client:
        everybody = beats.read(client)
        wanted = [one for one in everybody if (not host or one.beat.host == host) and model in (None, one.beat.model)]
        lacking = [] if host else beats.unattended(client, [model] if model else list(catalog()), everybody, not model)
    if not wanted:
        of_what = (f" of {model}" if model else "") + (f" on {host}" if host else "")
        lacking = [f"no worker{of_what} is there", *lacking]
    is_healthy = not lacking and not any(one.why for one in wanted)
    if as_json:
        told = {"healthy": is_healthy, "why": lacking, "workers": [one.fields() for one in wanted]}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        _print_health([(one.beat.worker, one.beat.state, one.why) for one in wanted], lacking)
    return 0 if is_healthy else 1


def _print_health(standings: list[tuple[str, str, str]], lacking: list[str]) -> None:
    for worker, stands, why in standings:
        click.echo(f"unhealthy  {worker}: {why}" if why else f"healthy    {worker}: {stands}")
    for line in lacking:
        click.echo(f"unhealthy  {line}")
