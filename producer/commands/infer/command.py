"""The command `slotline infer`: asks a model of any kind for one input, or for many, and prints what it answers.

Reads its options, submits one job, follows it and prints. `tasks/terminal/group.py` prints a `SlotlineError` as one
line. Many inputs go on where they were when the command is started again; an answer is computed once in any case.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from producer.client import Client
from producer.commands import options
from producer.commands.infer.answers import (
    AnswerTarget,
    answer_target,
    line_of,
    write_bytes,
    write_files,
    write_lines,
)
from producer.commands.infer.inputs import Inputs, read_inputs
from producer.commands.session import Session, choose_settings
from producer.files.given_file import check_ordinary, reading
from producer.inference.field_files import field_files
from producer.inference.job import InferJob
from producer.map_job import MapJob, Outcomes
from tasks.errors import InvalidInput, SlotlineError
from tasks.exit_codes import DONE, FAILED
from tasks.messages.infer import INFER, JSON_TYPE, InferResult
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupt
from tasks.terminal.lines import print_as_is
from tasks.terminal.printable import counted, one_line, printable

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_SLOTS = 1
CHECK_EVERY_S = 2.0
NAMED_FAULTS = 5
STANDARD_INPUT = "-"
LIST = "[]"
"""The end of a field's name whose value is a list, even if it has one file."""

FieldPaths = Mapping[str, Path | IO[bytes] | list[Path | IO[bytes]]]


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("given", nargs=-1, metavar="[INPUT]…")
@click.option(
    "--file", "files", multiple=True, metavar="NAME=PATH", help="A file for the input's field NAME; NAME[] is a list."
)
@click.option("--variant", help="Which of a registry's models.")
@click.option("-o", "target", help="The file for the answer; of many inputs a file with a line each, or a folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each answer, with its artifact.")
@options.local
@options.timeout
@options.slots(DEFAULT_SLOTS)
def infer(
    model: str,
    given: tuple[str, ...],
    files: tuple[str, ...],
    variant: str | None,
    target: str | None,
    as_json: bool,
    local: bool,
    timeout_s: float | None,
    slots: int | None,
) -> int:
    """Ask MODEL, which may be of any kind, for its answer to INPUT, and print it.

    INPUT is JSON, @FILE for a file of JSON, or - for standard input. --file gives a field of the input a file: its
    content, whatever it is. A file whose name ends in .jsonl, with one input a line, or several INPUTs are many inputs:
    one answer a line, in their order. Started again it goes on where it was.
    """
    choose_settings(local)
    local_slots = options.local_slots(local, slots, DEFAULT_SLOTS)
    inputs = read_inputs(given, are_files_given=bool(files))
    paths = _paths(files, is_read=STANDARD_INPUT in given)
    read = [*inputs.sources, *(one for paths_of in paths.values() for one in _each(paths_of))]
    where = answer_target(target, inputs.are_many, read)
    session = Session(model, local_slots)
    session.check()
    asked = _Asked(model, inputs, paths, {"variant": variant, "timeout_s": timeout_s}, where, as_json)
    return _Asking(asked, session).run()


def _paths(given: Sequence[str], is_read: bool) -> FieldPaths:
    """The files by their fields; a field that is given twice, or as `NAME[]`, has a list.

    `is_read`: standard input is the input.
    """
    found: dict[str, list[Any]] = {}
    for word in given:
        name, _, path = word.partition("=")
        if not name or not path:
            raise InvalidInput(f"--file: {word[:60]!r} is not NAME=PATH: a field of the input, and its file")
        if path == STANDARD_INPUT:
            if is_read:
                raise InvalidInput(f"--file: {name}: standard input is the input already")
            is_read = True
        else:
            with reading(Path(path)):
                check_ordinary(Path(path), "a file")
        found.setdefault(name, []).append(sys.stdin.buffer if path == STANDARD_INPUT else Path(path))
    lists = {name.removesuffix(LIST): paths for name, paths in found.items() if len(paths) > 1 or name.endswith(LIST)}
    return {**{name: paths[0] for name, paths in found.items() if not name.endswith(LIST)}, **lists}


def _each(given: Path | IO[bytes] | list[Path | IO[bytes]]) -> Sequence[Path]:
    """The paths among these."""
    return [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, Path)]


@dataclass(frozen=True)
class _Asked:
    """What a person asks for."""

    model: str
    inputs: Inputs
    files: FieldPaths
    fields: Mapping[str, Any]
    target: AnswerTarget
    as_json: bool

    @property
    def how(self) -> dict[str, Any]:
        """The fields beside the input that were given."""
        return {name: value for name, value in self.fields.items() if value is not None}


class _Asking:
    """One run of the command."""

    def __init__(self, asked: _Asked, session: Session) -> None:
        self._asked, self._session = asked, session
        self._ids: list[str] = []

    def run(self) -> int:
        """Submit, follow, print; returns the exit status."""
        from rich.console import Console

        console = Console(stderr=True)
        try:
            with Interrupt(), self._session:
                client = self._session.start(functools.partial(print_as_is, console))
                return self._many(client, console) if self._asked.inputs.are_many else self._one(client, console)
        except KeyboardInterrupt as stopped:
            self._stopped()
            return interrupt.status_of(stopped)
        except BrokenPipeError:
            click.echo("slotline: the answer was not read to its end", err=True)
            return FAILED

    def _stopped(self) -> None:
        if self._session.outlives and not self._ids:
            click.echo("slotline: stopped; the same command begins again", err=True)
        elif self._asked.inputs.are_many or not self._session.outlives:
            self._session.interrupted(self._ids)
        else:
            about = "detached, the request goes on; the same command gets its answer, or drop it"
            click.echo(f"slotline: {about}: slotline cancel {self._ids[0]}", err=True)

    def _one(self, client: Client, console: Console) -> int:
        asked, job_id = self._asked, str(uuid.uuid4())
        ask = functools.partial(
            client.infer, asked.model, asked.inputs.values[0], files=asked.files, job_id=job_id, **asked.how
        )
        job = interrupt.call(ask)
        self._ids.append(job_id)
        self._session.note_missing_worker(client, functools.partial(print_as_is, console), needs_flow=False)
        result = self._answer(client, job)
        path = asked.target.path
        if path is not None:
            interrupt.call(functools.partial(job.save, path))
        if asked.as_json or (path is None and result.media_type == JSON_TYPE):
            click.echo(interrupt.call(functools.partial(line_of, client, result, asked.as_json)))
        elif path is None:
            interrupt.call(functools.partial(write_bytes, client, result))
        else:
            click.echo(f"{printable(str(path))}: {result.words()}")
        return DONE

    def _answer(self, client: Client, job: InferJob) -> InferResult:
        """Wait for it; an error is a record, too, where records are asked for."""
        while True:
            try:
                return job.wait(timeout_s=CHECK_EVERY_S)
            except TimeoutError:
                self._session.check_again()
            except SlotlineError as exc:
                if self._asked.as_json:
                    click.echo(line_of(client, exc, as_record=True))
                raise

    def _many(self, client: Client, console: Console) -> int:
        asked = self._asked
        client.check_store("nothing was sent")
        files = interrupt.call(functools.partial(field_files, client.store, asked.files))
        interrupt.call(functools.partial(files.put, client.store))
        inputs = [files.into(one) for one in asked.inputs.values]
        fields = {"title": asked.inputs.title, "craft": INFER.name, **asked.how}
        request = interrupt.call(functools.partial(client.map_request, asked.model, inputs, **fields))
        job, is_taken_up = interrupt.call(functools.partial(client.take_up, request))
        self._ids.append(job.id)
        title = asked.inputs.title or asked.model
        about = f"{counted(len(inputs), 'input')} {'taken up again' if is_taken_up else 'sent'} as {job.id}"
        print_as_is(console, f"{title}: {about}")
        self._session.note_missing_worker(client, functools.partial(print_as_is, console))
        return self._print(
            client, self._follow(client, MapJob(client.connection, client.store, job.id), title, console)
        )

    def _follow(self, client: Client, job: MapJob, title: str, console: Console) -> Outcomes:
        from producer.display.job_bar import JobBar, left_s

        with JobBar(console, title, functools.partial(left_s, client, job.id)) as bar:
            while True:
                with contextlib.suppress(TimeoutError):
                    return job.wait(timeout_s=CHECK_EVERY_S, on_progress=bar.update, return_errors=True)
                self._session.check_again()

    def _print(self, client: Client, outcomes: Outcomes) -> int:
        """The answers, and a line for each of the first that failed."""
        path, as_json = self._asked.target.path, self._asked.as_json
        failed = [one for one in outcomes if isinstance(one, SlotlineError)]
        if path is not None and self._asked.target.is_folder:
            written = interrupt.call(functools.partial(write_files, client, outcomes, path))
            click.echo(f"{printable(str(path))}: {counted(written, 'file')}")
        else:
            lines = interrupt.call(lambda: [line_of(client, one, as_json) for one in _own(outcomes)])
            if path is None:
                click.echo("\n".join(lines))
            else:
                write_lines(lines, path)
                computed = sum(one.computed for one in outcomes if isinstance(one, InferResult))
                about = f"{counted(len(lines) - len(failed), 'answer')}, {computed:,} computed"
                click.echo(f"{printable(str(path))}: {about}{f', {len(failed):,} failed' if failed else ''}")
        for one in failed[:NAMED_FAULTS]:
            click.echo(one_line(f"slotline: {one}"), err=True)
        if len(failed) > NAMED_FAULTS:
            click.echo(f"slotline: and {counted(len(failed) - NAMED_FAULTS, 'input')} more failed", err=True)
        return FAILED if failed else DONE


def _own(outcomes: Outcomes) -> list[InferResult | SlotlineError]:
    return [one for one in outcomes if isinstance(one, InferResult | SlotlineError)]
