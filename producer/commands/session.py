"""The session of a command that submits jobs: a ready client, and with `--local` a local stack.

It also prints what all such commands print: what is being started, that no worker is ready
yet, and how to follow the jobs after Ctrl-C. Submits no jobs itself. A local stack is always
stopped at the end.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import click

from producer.client import Client
from producer.commands.local_stack import BorrowedStack
from tasks.catalog import catalog
from tasks.errors import BrokerUnavailable
from tasks.exit_codes import INTERRUPTED
from tasks.pauses import Pause
from tasks.settings import settings
from tasks.terminal import interrupt

Note = Callable[[str], None]
"""Prints a line for the person who waits."""


def choose_settings(local: bool) -> None:
    """A command with a local stack uses its own settings, and no stack that runs already. Call this first."""
    if local:
        settings.without_stacks()


class Session:
    """The model's broker and store, or a local stack with `local_slots` slots of it (None: the former).

    `also` are other models that the command's jobs need, with as many slots each. A context manager, to be entered in
    the main thread.
    """

    def __init__(self, model: str, local_slots: int | None, also: Sequence[str] = ()) -> None:
        self.models = tuple(dict.fromkeys((model, *also)))
        self._stack = None if local_slots is None else BorrowedStack(dict.fromkeys(self.models, local_slots))
        self._client: Client | None = None
        self._note: Note = lambda line: None
        self._pauses: dict[str, Pause] = {}

    @property
    def outlives(self) -> bool:
        """Whether its workers go on when the command ends."""
        return self._stack is None

    def check(self) -> None:
        """Check what would fail later, before anything is started or written.

        Raises `UnknownModel` for a local stack of a model that is not in the catalog, else `CatalogError` for a catalog
        that was named and cannot be read, `BrokerUnavailable`, or `OtherStore`.
        """
        if self._stack:
            for model in self.models:
                catalog()[model]
        else:
            if os.environ.get("SLOTLINE_MODELS"):
                catalog()  # a wrong path is said, though the offer of the workers may be enough
            client = Client()
            client.check()
            client.check_store("nothing was sent")

    def start(self, note: Note) -> Client:
        """The client; with a local stack, after it is ready. Raises the stack's error. Later notes go to `note` too."""
        self._note = note
        if self._stack is None:
            self._client = Client()
        else:
            note(self._stack.announcement)
            ready = self._stack.start()
            self._client = Client(ready.broker_url, ready.store_url)
        self._client.note = lambda line: None  # `note_missing_worker` prints it where the command wants it
        return self._client

    def check_again(self) -> None:
        """Raise what makes waiting useless: the local stack has ended, or workers with another store have started.

        Prints a line when a model is paused or resumed.
        """
        self.check_stack()
        with contextlib.suppress(BrokerUnavailable):  # the wait itself goes on while Redis is away
            if self._client:
                consequence = "the jobs of this command cannot be completed"
                interrupt.call(functools.partial(self._client.check_store, consequence))
                self._note_pauses(self._client)

    def check_stack(self) -> None:
        """Raise the local stack's error if it has ended, because waiting is useless then."""
        if self._stack:
            self._stack.check()

    def _note_pauses(self, client: Client) -> None:
        paused = interrupt.call(client.pauses)
        for model in self.models:
            if (pause := paused.get(model)) != self._pauses.get(model):
                self._note(pause.advice() if pause else f"{model} is resumed")
        self._pauses = paused

    def note_missing_worker(self, client: Client, note: Note, needs_flow: bool = True) -> None:
        """Print that the jobs wait, if a model is paused, or no worker of it, or no flow worker, is ready."""
        self._note_pauses(client)
        lines: list[str] = []
        for model in self.models:
            lines += interrupt.call(functools.partial(client.missing_workers, model, needs_flow))
        for line in dict.fromkeys(lines):
            note(line)

    def interrupted(self, job_ids: Sequence[str]) -> int:
        """Print how to follow these jobs again after a stop signal; returns the exit code of Ctrl-C."""
        if self._stack:
            click.echo("slotline: stopped; the same command goes on where it was", err=True)
        elif job_ids:
            watch = "; ".join(f"slotline watch {job_id}" for job_id in job_ids)
            click.echo(f"slotline: detached, the job goes on; follow it: the same command, or {watch}", err=True)
        return INTERRUPTED

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stack:
            if isinstance(error, KeyboardInterrupt):
                click.echo("slotline: stopping Redis and the workers; Ctrl-C again ends them at once", err=True)
            self._stack.stop()
