"""The command `slotline read`: reads books to one audio file per chapter, with a progress bar.

Reads its options, starts the readings, and prints. `tasks/terminal/group.py` prints a
`SlotlineError` as one line.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from producer.client import Client
from producer.commands import options
from producer.commands.session import Session, choose_settings
from producer.commands.sources import Source, free_path, read_sources
from producer.files.save import make_folder
from tasks.errors import InvalidInput
from tasks.exit_codes import BAD_INPUT, FAILED
from tasks.messages import Speaking
from tasks.messages.voices import voice_for_language
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupt
from tasks.terminal.printable import counted, one_line

if TYPE_CHECKING:
    from producer.reading.loop import Display
    from producer.reading.reading import Reading
    from producer.reading.request import ReadingRequest

DEFAULT_SLOTS = 2


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@options.local
@options.speaking
@click.option("--chapters", help="Only these chapters of each file, such as 1-3,5.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Folder for the audio; ./ and the book's title.")
@options.format
@options.slots(DEFAULT_SLOTS)
def read(
    sources: tuple[Path, ...],
    local: bool,
    chapters: str | None,
    folder: Path | None,
    format: str | None,
    slots: int | None,
    **speaking: Any,
) -> int:
    """Read text, Markdown or EPUB files aloud, one audio file per chapter.

    Started again it goes on where it was: what is read already is not read again.
    """
    choose_settings(local)
    local_slots = options.local_slots(local, slots, DEFAULT_SLOTS)
    manner = Speaking.parse(speaking)
    books = read_sources(sources, chapters)
    session = Session(manner.model, local_slots)
    session.check()
    folders = _folders(books, folder)
    for each in folders:
        make_folder(each)
    return _read_all(session, books, folders, manner, format or "wav")


def _folders(books: Sequence[Source], folder: Path | None) -> list[Path]:
    """The folder for each book's files. Several books get a folder each, so that no file is overwritten."""
    if folder and len(books) == 1:
        return [folder]
    found: list[Path] = []
    for book in books:
        found.append(free_path(folder or Path(), book.name, "", found))
    return found


def _read_all(
    session: Session, books: Sequence[Source], folders: Sequence[Path], speaking: Speaking, format: str
) -> int:
    from rich.console import Console

    from producer.display import bars, table
    from producer.reading import loop
    from producer.reading.reading import Reading

    began_s = time.monotonic()
    readings: list[Reading] = []
    display = bars.display(Console(stderr=True))
    try:
        with Interrupt(), session, display:
            client = session.start(display.note)
            began_s = time.monotonic()  # the time of the reading, without the start of the stack
            for book, folder in zip(books, folders, strict=True):
                reading = Reading(client, _request(client, book, folder, speaking, format))
                readings.append(reading)  # before it is sent: from now on Ctrl-C prints how to follow it again
                interrupt.call(functools.partial(_start, reading, display))
            session.note_missing_worker(client, display.note)
            loop.run(readings, display, session.check_again)
    except KeyboardInterrupt as stopped:
        session.interrupted([reading.job.id for reading in readings if reading.job])
        return interrupt.status_of(stopped)
    table.print_readings(readings, time.monotonic() - began_s)
    return _exit_code(readings)


def _request(client: Client, book: Source, folder: Path, speaking: Speaking, format: str) -> ReadingRequest:
    from producer.reading.request import ReadingRequest

    offer = interrupt.call(functools.partial(client.offer, speaking.model))
    voice = speaking.voice or voice_for_language(offer, book.book.language)
    return ReadingRequest(
        source=book.path,
        title=book.book.title,
        chapters=book.chapters,
        speaking=speaking.model_copy(update={"voice": voice}),
        folder=folder,
        format=format,
    )


def _start(reading: Reading, display: Display) -> None:
    """Submit it, or continue its open job, and print this in one line."""
    reading.start()
    request = reading.request
    begun = "taken up again" if reading.is_taken_up else "sent"
    size = f"{counted(len(request.chapters), 'chapter')}, {counted(reading.chars, 'character')}"
    voice = f", voice {request.voice}" if request.voice else ""
    display.note(f"{request.title}: {size}{voice}; {begun} as {reading.job.id if reading.job else '–'}")


def _exit_code(readings: Sequence[Reading]) -> int:
    for reading in readings:
        if reading.error:
            click.echo(one_line(f"slotline: {reading.request.source}: {reading.error}"), err=True)
    if any(isinstance(reading.error, InvalidInput) for reading in readings):
        return BAD_INPUT
    return FAILED if any(reading.has_failed for reading in readings) else 0
