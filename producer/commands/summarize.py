"""The command `slotline summarize`: summarises files, and prints or saves the summaries.

Reads its options, submits one job per file, follows the jobs and prints. `tasks/terminal/group.py`
prints a `SlotlineError` as one line. When it is started again, it computes only what is
missing.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from producer.client import Client
from producer.commands import options
from producer.commands.session import Session, choose_settings
from producer.commands.sources import Source, free_path, read_sources
from producer.files.save import make_folder, write_text
from producer.job import Job
from tasks.errors import SlotlineError
from tasks.exit_codes import FAILED
from tasks.messages import Summarising, TextSummaryResult
from tasks.messages.summary import SUMMARY
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupt
from tasks.terminal.lines import print_as_is
from tasks.terminal.printable import counted, one_line

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_SLOTS = 1

STACK_CHECK_S = 2.0
"""How often a wait checks whether a local stack still runs."""


@dataclass(frozen=True)
class SummaryJob:
    """A file and its summary's job; `target` is the file for the summary, None to print it."""

    path: Path
    title: str
    target: Path | None
    job: Job[TextSummaryResult]


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@options.local
@click.option("--model", help="A model of the catalog that writes; not needed if there is only one.")
@click.option("--max-length", type=int, help="Longest summary, in tokens of the model; default: the model's own.")
@click.option("--min-length", type=int, help="Shortest summary, in tokens; default: the model's own.")
@click.option("--chapters", help="Only these chapters of each file, such as 1-3,5.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Folder for the summaries; else they are printed.")
@options.timeout
@options.slots(DEFAULT_SLOTS)
def summarize(
    sources: tuple[Path, ...],
    local: bool,
    model: str | None,
    max_length: int | None,
    min_length: int | None,
    chapters: str | None,
    folder: Path | None,
    timeout_s: float | None,
    slots: int | None,
) -> int:
    """Summarise text, Markdown or EPUB files of any length: one summary per file."""
    choose_settings(local)
    local_slots = options.local_slots(local, slots, DEFAULT_SLOTS)
    lengths = {"max_length": max_length, "min_length": min_length}
    request = Summarising.parse(
        {"model": model or options.only_model(SUMMARY, "is to summarise", "write"), "timeout_s": timeout_s, **lengths}
    )
    texts = read_sources(sources, chapters)
    session = Session(request.model, local_slots)
    session.check()
    if folder:
        make_folder(folder)
    return _summarize_all(session, texts, _targets(texts, folder), request)


def _targets(texts: Sequence[Source], folder: Path | None) -> list[Path | None]:
    """The file for each summary; None to print it."""
    found: list[Path | None] = []
    for text in texts:
        found.append(free_path(folder, text.name, ".txt", found) if folder else None)
    return found


def _summarize_all(
    session: Session, texts: Sequence[Source], targets: Sequence[Path | None], request: Summarising
) -> int:
    from rich.console import Console

    console = Console(stderr=True)
    jobs: list[SummaryJob] = []

    def note(line: str) -> None:
        print_as_is(console, line)

    try:
        with Interrupt(), session:
            client = session.start(note)
            for text, target in zip(texts, targets, strict=True):
                jobs.append(interrupt.call(functools.partial(_submit, client, text, target, request)))
            session.note_missing_worker(client, note)
            return max(_follow(one, console, session) for one in jobs)
    except KeyboardInterrupt as stopped:
        session.interrupted([one.job.id for one in jobs])
        return interrupt.status_of(stopped)


def _submit(client: Client, source: Source, target: Path | None, request: Summarising) -> SummaryJob:
    text = "\n\n".join(chapter.text for _, chapter in source.chapters)
    title = source.book.title or source.path.stem
    job = client.submit_summary(text, title=title[:500], **request.fields())
    return SummaryJob(source.path, title, target, job)


def _follow(one: SummaryJob, console: Console, session: Session) -> int:
    """Wait for one summary, and save or print it; a failed one is one line, and the others go on."""
    from producer.display.job_bar import JobBar

    try:
        with JobBar(console, one.title) as bar:
            while True:
                with contextlib.suppress(TimeoutError):
                    made = one.job.wait(timeout_s=STACK_CHECK_S, on_progress=bar.update)
                    break
                session.check_again()
        _write(one, made)
    except SlotlineError as exc:
        session.check_again()
        click.echo(one_line(f"slotline: {one.path}: {exc}"), err=True)
        return FAILED
    return 0


def _write(one: SummaryJob, made: TextSummaryResult) -> None:
    counts = f"{counted(made.parts, 'part')}, {made.computed} computed, {counted(made.levels, 'level')}"
    about = f"{one_line(one.title)}: {counts}"
    if not made.is_complete:
        about += "; its summaries did not become fewer, so it is several"
    if made.is_cut:
        about += "; the model did not read all of it"
    if one.target:
        write_text(made.text, one.target)
        click.echo(f"{about} -> {one.target}")
    else:
        click.echo(about, err=True)
        click.echo(made.text)
