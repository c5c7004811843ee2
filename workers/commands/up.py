"""The command `slotline up`: runs everything on this machine until it is stopped.

Reads its options, runs the local stack, and prints. `tasks/terminal/group.py` prints a
`SlotlineError` as one line.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import click

from tasks.errors import BrokerUnavailable, InvalidInput
from tasks.exit_codes import DONE
from tasks.redis import broker
from tasks.settings import BROKER_SCHEMES, data_home, settings
from tasks.stacks.running import running
from workers.stack.local_stack import LocalStack
from workers.stack.stop_signals import StopSignals
from workers.stack.wanted import Wanted

STEP_S = 0.25
DEFAULT_MODEL = "espeak"
_MODEL = re.compile(r"(?P<name>[^=]+)(=(?P<slots>\d{1,4}))?")


def models_of(given: tuple[str, ...], cpu_slots: int) -> dict[str, int]:
    """Slots by model, from words `NAME[=SLOTS]`; without a word espeak on all CPU slots. Raises `InvalidInput`."""
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
@click.option("--redis-port", default=0, type=click.IntRange(0, 65535), help="Port of the embedded Redis; 0: any.")
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
    chosen = settings.without_stacks()
    folder = (data or data_home()).expanduser().absolute()
    wanted = Wanted(
        models=models_of(models, chosen.cpu_slots),
        flow=flow,
        data=folder,
        broker_url=_broker(broker_url, redis_port),
        redis_port=redis_port,
        lazy=lazy or chosen.lazy,
    )
    wanted.check_models()
    with StopSignals(watch_stdin=ready_json) as signals:
        stack = LocalStack(wanted, chosen, _say, lambda: signals.asked, is_private=ready_json)
        try:
            if stack.start():
                _announce_json(stack) if ready_json else _announce(stack)
            while not signals.asked:
                signals.wait(STEP_S)
                stack.step()
        finally:
            stack.stop(lambda: signals.asked_twice)
    return DONE


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
        with broker.connected(chosen) as client:
            client.ping()
    except BrokerUnavailable:
        _say(f"nothing answers at CELERY_BROKER_URL ({broker.shown(chosen)}): using an embedded Redis instead")
        return None
    return chosen


def _say(line: str) -> None:
    click.echo(f"slotline: {line}", err=True)


def _announce_json(stack: LocalStack) -> None:
    ready = {
        "broker_url": stack.broker_url,
        "store_url": stack.wanted.store_url(stack.settings),
        "data": str(stack.wanted.data),
    }
    click.echo(json.dumps(ready))
    sys.stdout.flush()


def _announce(stack: LocalStack) -> None:
    store_url = stack.wanted.store_url(stack.settings)
    lines = [
        "slotline is up:",
        f"  Redis    {broker.shown(stack.broker_url)}",
        f"  workers  {', '.join(holder.worker for holder in stack.holders)}",
        f"  store    {store_url}",
        f"  logs     {stack.wanted.logs}",
        "",
        *_how_to_use(stack.is_found, len({one.broker_url for one in running()})),
        f"  export CELERY_BROKER_URL={stack.broker_url}",
        f"  export SLOTLINE_STORE_URL={store_url}",
        *(["  and SLOTLINE_REDIS_OPTIONS as it is here"] if stack.wanted.redis_options(stack.settings) else []),
        "",
        "Ctrl-C stops everything.",
    ]
    click.echo("\n".join(lines))
    sys.stdout.flush()


def _how_to_use(is_found: bool, running_here: int) -> list[str]:
    """Who finds this stack, and who must be given its address, which follows."""
    if not is_found:
        return ["Use it from another terminal:"]
    if running_here > 1:
        return [f"{running_here} stacks run here, so a command needs the address of one of them; this one has:"]
    return [
        "Your commands find it from any terminal:",
        "  slotline read FILE",
        "Another user or container must be given its address:",
    ]
