"""The commands that ask for work and follow it: `slotline read`, `say`, `jobs`, `watch`, `cancel`.

Each reads its options, calls what does the work, and prints; errors travel up as
`SlotlineError` and become one line there (`tasks/command.py`).
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from producer.client import Client, Job, Progress
from producer.files import format_of, make_folder, safe_name
from producer.results import words_of
from producer.stack import BorrowedStack
from tasks.catalog import catalog
from tasks.errors import InvalidInput, SlotlineError
from tasks.media.audio import FORMATS
from tasks.messages import Speaking
from tasks.offers import voice_for_language

if TYPE_CHECKING:
    from producer.books import Book, Chapter
    from producer.progress import Display
    from producer.reading import Reading

DEFAULT_MODEL = "espeak"
SAY_AT_ONCE_CHARS = 256
"""A longer text is split into paragraphs; the same limit as a chapter's `max_chars`."""

INTERRUPTED = 130
FAILED = 1
BAD_INPUT = 2

_model = click.option("--model", default=DEFAULT_MODEL, show_default=True, help="A model of the catalog.")
_voice = click.option("--voice", help="A voice of the model; without it, one that speaks the text's language.")
_speed = click.option("--speed", default=1.0, show_default=True, help="0.25 to 4.")
_format = click.option("--format", type=click.Choice(FORMATS), help="The files' format.")


@dataclass(frozen=True)
class Source:
    """A file that was read, the chapters wanted of it, and where their audio goes."""

    path: Path
    book: Book
    chapters: Sequence[tuple[int, Chapter]]
    folder: Path


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--local", is_flag=True, help="Bring Redis and workers along; they are stopped at the end.")
@_model
@_voice
@_speed
@click.option("--chapters", help="Which of them, such as 1-3,5; of each file.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Folder for the audio; ./ and the book's title.")
@_format
@click.option("--slots", default=2, show_default=True, type=click.IntRange(1, 256), help="With --local: how many.")
def read(
    sources: tuple[Path, ...],
    local: bool,
    model: str,
    voice: str | None,
    speed: float,
    chapters: str | None,
    folder: Path | None,
    format: str | None,
    slots: int,
) -> int:
    """Read text, Markdown or EPUB files aloud, one audio file a chapter.

    Started again it goes on where it was: what is read already is not read again.
    """
    Speaking.parse({"model": model, "voice": voice, "speed": speed})
    found = _read_sources(sources, chapters, folder)
    stack = None
    if local:
        catalog()[model]
        stack = BorrowedStack(model, slots)
    client = Client()
    if stack is None:
        client.check()
    for source in found:
        make_folder(source.folder)
    options = {"model": model, "voice": voice, "speed": speed, "format": format or "wav"}
    return _read_all(client, stack, found, options)


def _read_sources(paths: Sequence[Path], selection: str | None, folder: Path | None) -> list[Source]:
    from producer.books import read_book, select_chapters

    found: list[Source] = []
    for path in paths:
        book = read_book(path)
        chosen = select_chapters(book, selection or None)
        name = safe_name(book.title, safe_name(path.stem))
        # Several books in one folder would write over each other's chapters.
        target = folder if folder and len(paths) == 1 else (folder or Path()) / name
        taken = {source.folder for source in found}
        number = 2
        while target in taken:
            target, number = target.with_name(f"{name} ({number})"), number + 1
        found.append(Source(path, book, chosen, target))
    return found


def _read_all(client: Client, stack: BorrowedStack | None, sources: list[Source], options: dict[str, Any]) -> int:
    from rich.console import Console

    from producer import progress, table
    from producer.attend import attend

    began_s = time.monotonic()
    readings: list[Reading] = []
    display = progress.display(Console(stderr=True))
    try:
        with stack or contextlib.nullcontext(), display:
            if stack:
                display.note(stack.announcement)
                ready = stack.start()
                client = Client(ready.broker_url, ready.store_url)
                began_s = time.monotonic()  # the reading's own time, without the stack's start
            for source in sources:
                _start(client, source, options, display, readings)
            attend(readings, display, stack.check if stack else lambda: None)
    except KeyboardInterrupt:
        return _left(readings, is_local=stack is not None)
    table.print_readings(readings, time.monotonic() - began_s)
    return _status(readings)


def _start(client: Client, source: Source, options: dict[str, Any], display: Display, readings: list[Reading]) -> None:
    from producer.reading import Reading, Wish

    model = str(options["model"])
    offer = client.offer(model)
    wish = Wish(
        source=source.path,
        title=source.book.title,
        chapters=source.chapters,
        model=model,
        voice=options["voice"] or voice_for_language(offer, source.book.language),
        speed=options["speed"],
        folder=source.folder,
        format=options["format"],
    )
    reading = Reading(client, wish)
    readings.append(reading)  # before it is sent: Ctrl-C from then on says how to come back
    reading.start()
    begun = "taken up again" if reading.is_taken_up else "sent"
    size = f"{len(wish.chapters)} chapters, {reading.chars:,} characters"
    voice = f", voice {wish.voice}" if wish.voice else ""
    display.note(f"{wish.title}: {size}{voice}; {begun} as {reading.job.id if reading.job else '–'}")
    if not client.has_worker(model):
        command = f"celery -A workers worker --model {model}"
        display.note(f"no worker of {model} is ready yet; this waits for one ({command}, or slotline up)")


def _left(readings: Sequence[Reading], is_local: bool) -> int:
    if is_local:
        click.echo("slotline: stopped; the same command goes on where it was", err=True)
        return INTERRUPTED
    ids = [reading.job.id for reading in readings if reading.job]
    watch = "; ".join(f"slotline watch {job_id}" for job_id in ids)
    if ids:
        click.echo(f"slotline: detached, the reading goes on; come back by the same command, or: {watch}", err=True)
    return INTERRUPTED


def _status(readings: Sequence[Reading]) -> int:
    for reading in readings:
        if reading.error:
            click.echo(f"slotline: {reading.wish.source}: {' '.join(str(reading.error).split())}", err=True)
    if any(isinstance(reading.error, InvalidInput) for reading in readings):
        return BAD_INPUT
    return FAILED if any(reading.has_failed for reading in readings) else 0


@click.command()
@click.argument("text")
@click.option("-o", "target", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The audio file.")
@_model
@_voice
@_speed
@_format
def say(text: str, target: Path, model: str, voice: str | None, speed: float, format: str | None) -> int:
    """Speak one TEXT to a file; `-` takes the text from standard input."""
    from tasks.text.language import guess_language

    chosen = format_of(target, format)
    words = _stdin() if text == "-" else text
    client = Client()
    client.check()
    voice = voice or voice_for_language(client.offer(model), guess_language(words))
    job: Job
    if len(words) <= SAY_AT_ONCE_CHARS and "\n\n" not in words.strip():
        job = client.submit_paragraph(words, model=model, voice=voice, speed=speed)
    else:
        job = client.submit_chapter(words, model=model, voice=voice, speed=speed, title=target.stem)
    try:
        result = job.wait()
    except KeyboardInterrupt:
        click.echo(f"slotline: detached, it is still spoken; come back by: slotline watch {job.id}", err=True)
        return INTERRUPTED
    [path] = job.save(target, chosen)
    click.echo(f"{path}: {words_of(result)}")
    return 0


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput("text: standard input is not UTF-8") from exc


@click.command()
@click.option("--all", "show_all", is_flag=True, help="Also the chapters of books, which are jobs of their own.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="How many at most.")
def jobs(show_all: bool, limit: int) -> int:
    """List the jobs that are recorded, the latest first."""
    from producer.table import print_jobs

    client = Client()
    client.check()
    # Chapters of books are recorded beside them: look further than will be shown.
    found = client.jobs(limit if show_all else limit * 50)
    shown = [record for record in found if show_all or not record.parent_job][:limit]
    if not shown:
        click.echo("no jobs are recorded")
        return 0
    print_jobs(shown, time.time())
    return 0


@click.command()
@click.argument("job_id", metavar="ID")
def watch(job_id: str) -> int:
    """Follow one job until it ends; the exit status is 0 when it ended well."""
    from rich.console import Console

    from producer.watching import Watching

    job = Client().job(job_id)
    console = Console(stderr=True)
    try:
        with Watching(console, job_id) as watching:
            result = job.wait(on_progress=watching.update)
    except KeyboardInterrupt:
        click.echo(f"slotline: detached; come back by: slotline watch {job_id}", err=True)
        return INTERRUPTED
    except SlotlineError as exc:
        raise type(exc)(f"job {job_id}: {exc}") from exc
    click.echo(f"{job_id}: done, {words_of(result)}")
    return 0


@click.command()
@click.argument("job_ids", metavar="ID…", nargs=-1, required=True)
def cancel(job_ids: tuple[str, ...]) -> int:
    """Cancel jobs, or parts of them; a book's chapters go with it. What was read so far is kept."""
    client = Client()
    client.check()
    for job_id in job_ids:
        done = client.cancel(job_id)
        click.echo(f"{job_id}: cancelled" if done else f"{job_id}: had ended already")
    return 0


__all__ = ["Progress", "cancel", "jobs", "read", "say", "watch"]
