"""The command `slotline read`: books in, one audio file a chapter out, with a bar while they are read.

Reads its options, calls what does the work, and prints; errors travel up as
`SlotlineError` and become one line there (`tasks/command.py`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from producer.client import Client
from producer.commands import options
from producer.commands.local_stack import BorrowedStack
from producer.files import make_folder, safe_name
from tasks.catalog import catalog
from tasks.errors import InvalidInput
from tasks.exit_codes import BAD_INPUT, FAILED, INTERRUPTED
from tasks.messages import Speaking
from tasks.messages.voices import voice_for_language

if TYPE_CHECKING:
    from producer.books.reader import Book, Chapter
    from producer.display.bars import Display
    from producer.reading.reading import Reading


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
@options.model
@options.voice
@options.speed
@click.option("--chapters", help="Which of them, such as 1-3,5; of each file.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Folder for the audio; ./ and the book's title.")
@options.format
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
    from producer.books.reader import read_book, select_chapters

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

    from producer.display import bars as progress
    from producer.display import table
    from producer.reading.loop import attend

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
    from producer.reading.reading import Reading, Wish

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
