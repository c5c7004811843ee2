"""The command line of `celery worker`: what was given on it, and what Celery does with `-n` and `--detach`.

Decides nothing. What is read here is only there while Celery's command runs; in another process nothing was given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from celery.bin.worker import Hostname
from celery.bin.worker import worker as worker_command

GIVEN_NAME = "slotline.node"
"""Where click's context keeps what was given as `-n`."""


class GivenName(Hostname):
    """The type of `-n`, which also keeps what was given: Celery expands `%i` to 0."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The name as Celery makes it; its default where it cannot expand it."""
        ctx.meta[GIVEN_NAME] = str(value)
        try:
            return super().convert(value, param, ctx)
        except ValueError:
            return super().convert("", param, ctx)


def keep_given_name() -> None:
    """Let `celery worker` keep what is given as `-n`, for `given_name`."""
    for option in worker_command.params:
        if option.name == "hostname":
            option.type = GivenName()


def detach_by(detach: Callable[..., Any]) -> None:
    """Let `celery worker --detach` call `detach` instead of Celery's own function, unless C_FAKEFORK is set."""
    module: Any = sys.modules[Hostname.__module__]
    if not module.C_FAKEFORK:
        module.detach = detach


def was_given(option: str) -> bool:
    """Whether the option is on this command line, or set by `CELERY_WORKER_…`; its value may be the default."""
    return option in given_options()


def given_options() -> frozenset[str]:
    """The names of the options on this command line; of those of `celery worker` also the ones set by a variable."""
    context = click.get_current_context(silent=True)
    if context is None:
        return frozenset()
    by_line, by_variable = click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT
    own = {name for name in context.params if context.get_parameter_source(name) in (by_line, by_variable)}
    root = context.find_root()
    return frozenset(own | {name for name in root.params if root.get_parameter_source(name) is by_line})


def given_settings() -> list[str]:
    """The words of this command line that are settings of Celery, `NAME=VALUE`."""
    context = click.get_current_context(silent=True)
    return list(context.args) if context else []


def given_name() -> str | None:
    """What was given as `-n`, before anything in it is expanded."""
    return click.get_current_context().meta[GIVEN_NAME] if was_given("hostname") else None


def given_value(option: str) -> Any:
    """An option's value as it was given, before anything in it is expanded; None without it."""
    context = click.get_current_context(silent=True)
    return context.params.get(option) if context else None
