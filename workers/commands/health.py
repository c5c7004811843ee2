"""The command `slotline health`: whether the workers are healthy, with one line for each that is not."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tasks import pauses
from tasks.app import app
from tasks.catalog import catalog
from tasks.errors import InvalidInput
from tasks.exit_codes import DONE, FAILED
from tasks.health import messages_wait
from tasks.pauses import Pause
from tasks.redis import broker
from tasks.routing import DEFAULT_QUEUE, RESERVED_QUEUES, queue_of
from tasks.settings import settings
from tasks.terminal.printable import counted, printable

if TYPE_CHECKING:
    from redis import Redis

    from tasks.health import Standing

OTHERS_ANSWER_WITHIN_S = 1.0


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
        paused = _paused(client, model)
        lacking = [] if host else _unread(client, model, workers, {pause.model for pause, _ in paused})
        delayed = None if host else Delayed(client).waiting()
    if not wanted:
        which = (f" of {model}" if model else "") + (f" on {host}" if host else "")
        lacking = [f"no worker{which} is there", *lacking]
    is_healthy = not lacking and not any(one.why for one in wanted)
    if as_json:
        fields = {"healthy": is_healthy, "why": lacking, "workers": [one.fields() for one in wanted]}
        waits = {"delayed": delayed and delayed.fields(), "paused": [_fields(*one) for one in paused]}
        click.echo(json.dumps({**fields, **waits}, ensure_ascii=False))
    else:
        _print_health(wanted, lacking, paused)
        if delayed:
            click.echo(f"delayed    {delayed.words()}")
    return DONE if is_healthy else FAILED


def _unread(client: Redis, model: str | None, workers: Sequence[Standing], paused: Collection[str]) -> list[str]:
    """A line for each queue with messages that nobody reads; of all queues, or of the model's. Paused ones may wait."""
    from tasks import health as beats
    from tasks.redis import queues

    if model:
        left = beats.unattended({queue_of(model): beats.waiting_in(client, queue_of(model))}, workers)
    else:
        known = {*map(queue_of, catalog()), *RESERVED_QUEUES}
        left = beats.unattended(queues.waiting(client, known), workers)
        if left.keys() - known | left.keys() & {DEFAULT_QUEUE}:  # another application may share this Redis
            others = _read_by_others()
            left = {queue: count for queue, count in left.items() if queue not in others}
    left = {queue: count for queue, count in left.items() if queue not in map(queue_of, paused)}
    return [f"{messages_wait(count)} in the queue {queue!r}, and no worker reads it" for queue, count in left.items()]


def _read_by_others() -> set[str]:
    """The queues that Celery's workers of any application read, as they answer to remote control."""
    with app.connection_for_write() as connection:
        answers: list[Mapping[str, Any]] = app.control.broadcast(
            "active_queues", reply=True, timeout=OTHERS_ANSWER_WITHIN_S, connection=connection
        )
    lists = [queues for answer in answers or [] for queues in answer.values() if isinstance(queues, list)]
    return {str(queue.get("name")) for queues in lists for queue in queues}


def _paused(client: Redis, model: str | None) -> list[tuple[Pause, int]]:
    """The paused models (or that one, if it is), each with how many messages wait."""
    from tasks import health as beats

    found = [one for one in pauses.paused(client).values() if model in (None, one.model)]
    return [(one, beats.waiting_in(client, queue_of(one.model))) for one in found]


def _fields(pause: Pause, waiting: int) -> dict[str, Any]:
    return {**pause.fields(), "waiting": waiting}


def _print_health(standings: Sequence[Standing], lacking: Sequence[str], paused: Sequence[tuple[Pause, int]]) -> None:
    names = {pause.model for pause, _ in paused}
    for one in standings:
        state = one.beat.state + (", paused" if one.beat.model in names else "")
        worker = one.beat.worker
        click.echo(printable(f"unhealthy  {worker}: {one.why}" if one.why else f"healthy    {worker}: {state}"))
    for line in lacking:
        click.echo(printable(f"unhealthy  {line}"))
    for pause, waiting in paused:
        click.echo(printable(f"paused     {pause.words()}; waiting: {counted(waiting, 'message')}"))
