"""The command `slotline health`: whether the workers are healthy, with one line for each that is not."""

from __future__ import annotations

import json
import socket

import click

from tasks.catalog import catalog
from tasks.errors import InvalidInput
from tasks.exit_codes import DONE, FAILED
from tasks.redis import broker
from tasks.settings import settings
from tasks.terminal.printable import printable


@click.command()
@click.option("--model", metavar="NAME", help="Only the slot workers of this model.")
@click.option("--host", metavar="NAME", help="Only the workers of this host.")
@click.option("--here", is_flag=True, help="Only the workers of this host or container; for its own health check.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def health(model: str | None, host: str | None, here: bool, as_json: bool) -> int:
    """Show whether the workers are healthy; the exit status is 0 if all are, else 1."""
    from tasks import health as beats
    from tasks.flow.ledger.delayed import Delayed
    from workers.slots.claim import host_id

    if host and here:
        raise InvalidInput("--host: --here names the host already; give one of them")
    host = socket.gethostname() if here else host
    chosen = settings()
    with broker.connected(chosen.broker_url) as client:
        workers = beats.read(client)
        wanted = [one for one in workers if (not host or one.beat.host == host) and model in (None, one.beat.model)]
        if here:  # another machine may have the same hostname
            wanted = [one for one in wanted if one.beat.machine in ("", host_id())]
        lacking = [] if host else beats.unattended(client, [model] if model else list(catalog()), workers, not model)
        delayed = None if host else Delayed(client).waiting()
    if not wanted:
        which = (f" of {model}" if model else "") + (f" on {host}" if host else "")
        lacking = [f"no worker{which} is there", *lacking]
    is_healthy = not lacking and not any(one.why for one in wanted)
    if as_json:
        fields = {"healthy": is_healthy, "why": lacking, "workers": [one.fields() for one in wanted]}
        click.echo(json.dumps({**fields, "delayed": delayed and delayed.fields()}, ensure_ascii=False))
    else:
        _print_health([(one.beat.worker, one.beat.state, one.why) for one in wanted], lacking)
        if delayed:
            click.echo(f"delayed    {delayed.words()}")
    return DONE if is_healthy else FAILED


def _print_health(standings: list[tuple[str, str, str]], lacking: list[str]) -> None:
    for worker, state, why in standings:
        click.echo(printable(f"unhealthy  {worker}: {why}" if why else f"healthy    {worker}: {state}"))
    for line in lacking:
        click.echo(printable(f"unhealthy  {line}"))
