"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from tasks.catalog import catalog
from tasks.errors import InvalidInput
from tasks.media.audio import FORMATS
from tasks.messages import Craft
from tasks.messages.lookup import known_craft

CommandT = TypeVar("CommandT", bound=Callable[..., object])

DEFAULT_MODEL = "espeak"

timeout = click.option(
    "--timeout", "timeout_s", type=float, help="Seconds; what was not computed by then is dropped, and fails."
)

SPEAKING = (
    click.option("--model", default=DEFAULT_MODEL, show_default=True, help="A model of the catalog."),
    click.option("--voice", help="A voice of the model; without it, one that speaks the text's language."),
    click.option("--speed", default=1.0, show_default=True, help="0.25 to 4."),
    timeout,
)
"""How to speak a text: each option is a field of `Speaking`."""


def speaking(command: CommandT) -> CommandT:
    """Add these options to a command, which gets them as `**speaking` and passes them to `Speaking.parse`."""
    for option in reversed(SPEAKING):
        command = option(command)
    return command


format = click.option("--format", type=click.Choice(FORMATS), help="The files' format.")
local = click.option(
    "--local", is_flag=True, help="Start Redis and workers for this command, and stop them at its end."
)


def slots(default: int) -> Callable[[CommandT], CommandT]:
    """The option `--slots`; `local_slots` says what it means."""
    return click.option("--slots", type=click.IntRange(1, 256), help=f"Slots with --local; default: {default}.")


def local_slots(is_local: bool, slots: int | None, default: int) -> int | None:
    """How many slots the local stack has; None without one. Raises `InvalidInput` for slots without a stack."""
    if is_local:
        return slots or default
    if slots is not None:
        raise InvalidInput("--slots: only with --local; else the workers that run have their own slots")
    return None


def only_model(craft: Craft, is_to: str, does: str) -> str:
    """The only model of the catalog with this craft; raises `InvalidInput`, which names `--model`, if it is not one.

    `is_to` and `does` are words for the craft: «is to summarise», «write».
    """
    found = [name for name, entry in catalog().items() if known_craft(entry, None) is craft]
    if len(found) == 1:
        return found[0]
    there = f"{', '.join(found)} {does}" if found else f"none of {catalog().source} is known to {does}"
    raise InvalidInput(f"--model: name the model that {is_to}; {there}")
