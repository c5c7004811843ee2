"""What was given on `celery worker`'s command line; real workers are named and detached in other tests."""

from __future__ import annotations

import click
import pytest
from celery.bin import worker as module
from celery.bin.worker import worker

from workers.upstream.command_line import (
    GivenName,
    detach_by,
    given_name,
    given_options,
    given_settings,
    given_value,
    keep_given_name,
    was_given,
)


@pytest.fixture(autouse=True)
def celerys_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is replaced in Celery is put back."""
    option = next(option for option in worker.params if option.name == "hostname")
    monkeypatch.setattr(option, "type", option.type)
    monkeypatch.setattr(module, "detach", module.detach)


def context_of(*arguments: str, before: tuple[str, ...] = ()) -> click.Context:
    """Where a command runs that takes `-n` and `--size`, with these arguments."""
    name, size = (
        click.Option(["-n", "--hostname"], type=GivenName(), default="x@y"),
        click.Option(["--size"], default=4),
    )
    command = click.Command("worker", params=[name, size], context_settings={"allow_extra_args": True})
    root = click.Group("celery", params=[click.Option(["--config"])]).make_context("celery", [*before, "worker"])
    return command.make_context("worker", list(arguments), parent=root, auto_envvar_prefix="CELERY_WORKER")


def test_without_a_command_line_nothing_was_given() -> None:
    assert (given_options(), given_settings(), given_name(), given_value("size")) == (frozenset(), [], None, None)


def test_what_stands_there_is_told_from_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    with context_of("a=b", before=("--config", "c")):
        assert given_options() == {"config"}
        assert (given_settings(), given_name(), given_value("size")) == (["a=b"], None, 4)
    monkeypatch.setenv("CELERY_WORKER_SIZE", "7")
    with context_of("-n", "mine-%i@%h"):
        assert given_options() == {"hostname", "size"}
        assert was_given("size")
        assert given_name() == "mine-%i@%h", "as it was given: Celery expands %i to 0"


def test_a_name_that_celery_cannot_expand_is_left_to_slotline() -> None:
    with context_of("-n", "50%z@here") as context:
        assert given_name() == "50%z@here"
        assert context.params["hostname"].startswith("celery@")


def test_celerys_own_command_keeps_the_name_and_detaches_by_another_function() -> None:
    keep_given_name()
    option = next(option for option in worker.params if option.name == "hostname")
    assert isinstance(option.type, GivenName)
    detach_by(print)
    assert module.detach is print
