"""The commands `slotline pause` and `resume`: whether anything new begins on a model's slots.

They write the record in Redis (`tasks/pauses.py`), which every worker reads; no worker is asked. So a worker that does
not live now, or starts later, keeps to it as well.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from tasks import pauses
from tasks.catalog import catalog
from tasks.errors import InvalidInput
from tasks.exit_codes import DONE
from tasks.redis import broker
from tasks.routing import FLOW_QUEUE
from tasks.settings import settings
from tasks.terminal.printable import printable

if TYPE_CHECKING:
    from redis import Redis

_models = click.argument("models", metavar="MODEL…", nargs=-1)
_all = click.option("--all", "every", is_flag=True, help="Every model.")


@click.command()
@_models
@_all
def pause(models: tuple[str, ...], every: bool) -> int:
    """Pause models on all their slots: what runs ends, nothing new begins, and what is sent meanwhile waits."""
    with broker.connected(settings().broker_url) as client:
        known = {*catalog(), *_with_workers(client)}
        for model in _wanted(models, every, known, known):
            if pauses.pause(client, model, _person()):
                _say(f"{model} is paused; what runs ends, and nothing new begins until: slotline resume {model}")
            elif found := pauses.pause_of(client, model):
                _say(f"{found.words()}; that stays so")
            else:
                _say(f"{model} was resumed by somebody at this moment; pause it again")
    return DONE


@click.command()
@_models
@_all
def resume(models: tuple[str, ...], every: bool) -> int:
    """Resume paused models: their slots go on at once."""
    with broker.connected(settings().broker_url) as client:
        paused = set(pauses.paused(client))
        known = {*catalog(), *_with_workers(client), *paused}
        for model in _wanted(models, every, paused, known):
            _say(f"{model} is resumed" if pauses.resume(client, model) else f"{model} is not paused")
    return DONE


def _wanted(models: tuple[str, ...], every: bool, all_of_them: Collection[str], known: Collection[str]) -> list[str]:
    """The models to change; raises `InvalidInput` before any of them is changed."""
    if bool(models) == every:
        raise InvalidInput("MODEL: give one or more models, or --all")
    if FLOW_QUEUE in models:
        raise InvalidInput("MODEL: flow is no model; it opens and ends jobs. Pause their models, or stop its workers")
    if unknown := [model for model in models if model not in known]:
        names = ", ".join(sorted(known)) or "none"
        raise InvalidInput(f"MODEL: {unknown[0]!r} is not in the catalog and has no worker; there are: {names}")
    return sorted(all_of_them) if every else list(models)


def _with_workers(client: Redis) -> set[str]:
    """The models of the slot workers that live."""
    from tasks import health

    return {standing.beat.model for standing in health.read(client) if standing.beat.model}


def _person() -> str:
    """Who pauses, for people who ask later."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number without a name
        name = "somebody"
    return f"{name}@{socket.gethostname()}"


def _say(line: str) -> None:
    click.echo(printable(line))
