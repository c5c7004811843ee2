"""The command `slotline say`: speaks one text to one audio file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from producer.client import Client
from producer.commands import options
from producer.files.audio import format_of
from producer.job import Job
from tasks.errors import InvalidInput
from tasks.exit_codes import INTERRUPTED
from tasks.messages.voices import voice_for_language

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

    chosen = format_of(target, format)
    words = _stdin() if text == "-" else text
    client = Client()
    client.check()
    offer = client.offer(speaking["model"])
    speaking["voice"] = speaking["voice"] or voice_for_language(offer, guess_language(words))
    job: Job
    if len(words) <= SAY_AT_ONCE_CHARS and "\n\n" not in words.strip():
        job = client.submit_paragraph(words, **speaking)
    else:
        job = client.submit_chapter(words, title=target.stem, **speaking)
    try:
        result = job.wait()
    except KeyboardInterrupt:
        click.echo(f"slotline: detached, the job goes on; follow it: slotline watch {job.id}", err=True)
        return INTERRUPTED
    [path] = job.save(target, chosen)
    click.echo(f"{path}: {result.words()}")
    return 0


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput("text: standard input is not UTF-8") from exc
