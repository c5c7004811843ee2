"""The commands `slotline model status|unload|timeout`: show and control the models of live slot workers.

The group has further commands, each in a file of its own.

The heartbeats say which workers live. Each of them is asked by Celery's remote control; one
that does not answer is listed as silent. Exit status: 0 when all did as they were asked, 1
when one refused or was silent, 2 for bad input.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from tasks.app import app
from tasks.errors import InvalidInput
from tasks.exit_codes import DONE, FAILED
from tasks.health import Beat
from tasks.redis import broker
from tasks.settings import settings
from tasks.terminal.printable import one_line
from workers.commands.model_check import check
from workers.commands.model_list import list_models
from workers.commands.model_pull import pull
from workers.commands.model_voices import voices

ANSWERS_WITHIN_S = 3.0
SILENT = "no answer within {:g} s: it is dead, frozen, or cut off from Redis"

_target = click.argument("target", metavar="[MODEL|SLOT]", required=False)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group()
def model() -> None:
    """Fetch models; show and unload those of the slot workers, or set their timeout, also while they compute."""


model.add_command(check)
model.add_command(list_models)
model.add_command(pull)
model.add_command(voices)


@model.command()
@_target
@_json
def status(target: str | None, as_json: bool) -> int:
    """Show each slot's model: state, memory, jobs, idle time, and its registry if it has many models."""
    from workers.duties.remote_control import STATUS

    answers = _ask(STATUS, target)
    if as_json:
        rows = [{"worker": worker, **answer} for worker, answer in answers.items()]
        click.echo(json.dumps({"models": rows}, ensure_ascii=False))
    else:
        from workers.commands.model_table import show

        show(answers)
    return _status_of(answers)


@model.command()
@_target
@_json
def unload(target: str | None, as_json: bool) -> int:
    """Unload a model that is not in use; its next job loads it again."""
    from workers.duties.remote_control import UNLOAD

    return _report(_ask(UNLOAD, target), as_json)


@model.command()
@click.argument("words", metavar="[MODEL|SLOT] SECONDS", nargs=-1, required=True)
@_json
def timeout(words: tuple[str, ...], as_json: bool) -> int:
    """Unload a model when it is idle for SECONDS (60 or more; 0: never), until its worker ends."""
    from workers.duties.remote_control import TIMEOUT, wrong_timeout

    if len(words) > 2:
        raise InvalidInput(f"time-out: {' '.join(words)!r} is not [MODEL|SLOT] SECONDS")
    seconds: float | str = words[-1]
    with contextlib.suppress(ValueError):
        seconds = float(seconds)
    if why := wrong_timeout(seconds):
        raise InvalidInput(why)
    return _report(_ask(TIMEOUT, words[0] if len(words) == 2 else None, seconds=seconds), as_json)


def choose(beats: Iterable[Beat], target: str | None) -> list[str]:
    """The workers of that model, slot or name; without a target all slot workers. Pure.

    Raises `InvalidInput` that names the live ones.
    """
    slots = {beat.worker: str(beat.model) for beat in beats if beat.model is not None}
    found = [one for one, of in slots.items() if target in (None, of, one, one.partition("@")[0])]
    if found:
        return found
    if not slots:
        raise InvalidInput("no slot worker lives; start one with: celery -A workers worker --model NAME")
    living = ", ".join(f"{one.partition('@')[0]} ({of})" for one, of in slots.items())
    raise InvalidInput(f"no living slot worker has the model, or is the slot, {target!r}; there are: {living}")


def _ask(command: str, target: str | None, **arguments: Any) -> dict[str, dict[str, Any]]:
    """The answer of each chosen worker, by its name; that of a silent worker is an error."""
    from tasks import health

    url = settings().broker_url
    with broker.connected(url) as client:
        workers = choose((standing.beat for standing in health.read(client)), target)
        replies: list[Mapping[str, Any]] = app.control.broadcast(
            command,
            arguments=arguments,
            destination=workers,
            reply=True,
            timeout=ANSWERS_WITHIN_S,
            limit=len(workers),
        )
    answered = {worker: answer for reply in replies or [] for worker, answer in reply.items()}
    silent = {"error": SILENT.format(ANSWERS_WITHIN_S)}
    return {worker: dict(answered.get(worker, silent)) for worker in workers}


def _report(answers: Mapping[str, Mapping[str, Any]], as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps({"workers": answers}, ensure_ascii=False))
    else:
        for worker, answer in answers.items():
            line = answer.get("ok") or answer.get("error")
            click.echo(one_line(f"{worker.partition('@')[0]}: {line}"), err="error" in answer)
    return _status_of(answers)


def _status_of(answers: Mapping[str, Mapping[str, Any]]) -> int:
    return FAILED if any("error" in answer for answer in answers.values()) else DONE
