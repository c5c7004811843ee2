"""The command `slotline say`: speaks one text to one audio file."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from producer.commands import options
from producer.commands.film_input import read_text
from producer.commands.session import Session
from producer.commands.targets import check_place
from producer.files.audio import format_of
from producer.job import Job
from tasks.errors import InvalidInput
from tasks.media.audio import FORMATS
from tasks.messages import ChapterRequest, ModelRequest, ParagraphRequest
from tasks.messages.voices import voice_for_language
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupt
from tasks.terminal.printable import printable

SAY_AT_ONCE_CHARS = 256
"""A longer text is split into paragraphs; the same limit as a chapter's `max_chars`."""


@click.command()
@click.argument("text")
@click.option("-o", "target", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The audio file.")
@options.speaking
@options.format
def say(text: str, target: Path, format: str | None, **speaking: Any) -> int:
    """Speak one TEXT to a file; `-` reads the text from standard input."""
    from tasks.text.language import guess_language

    chosen = _check_target(target, format)
    words = read_text() if text == "-" else text
    session = Session(speaking["model"], None)
    session.check()
    client = session.start(_note)
    offer = client.offer(speaking["model"])
    speaking["voice"] = speaking["voice"] or voice_for_language(offer, guess_language(words))
    request, job_id = _request(words, target.stem, speaking), str(uuid.uuid4())
    try:
        with Interrupt():
            job: Job = interrupt.call(functools.partial(client.submit, request, job_id))
            session.note_missing_worker(client, _note, needs_flow=isinstance(request, ChapterRequest))
            result = job.wait()
            [path] = interrupt.call(functools.partial(job.save, target, chosen))
    except KeyboardInterrupt as stopped:
        click.echo(f"slotline: detached, the job goes on; follow it: slotline watch {job_id}", err=True)
        return interrupt.status_of(stopped)
    click.echo(f"{printable(str(path))}: {result.words()}")
    return 0


def _request(words: str, title: str, speaking: Mapping[str, Any]) -> ModelRequest:
    """The request of one paragraph, or of a chapter for what a slot cannot speak at once."""
    if len(words) <= SAY_AT_ONCE_CHARS and "\n\n" not in words.strip():
        return ParagraphRequest.parse({"text": words, **speaking})
    return ChapterRequest.parse({"text": words, "title": title, **speaking})


def _check_target(target: Path, format: str | None) -> str:
    """The file's format; raises `InvalidInput` if the file could not be written, before anything is sent."""
    ending = target.suffix.removeprefix(".").lower()
    if format and ending in FORMATS and ending != format:
        raise InvalidInput(f"--format: {format}, but {target.name} ends in .{ending}; give one of the two")
    check_place(target)
    return format_of(target, format)


def _note(line: str) -> None:
    click.echo(printable(f"slotline: {line}"), err=True)
