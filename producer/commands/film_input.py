"""What a person gives for a film: a file with sound, a text, or a file with a text. Read before anything is sent."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from producer.commands.sources import read_sources
from producer.files.sound import Sound, sound_of
from tasks.errors import InvalidInput, StoreError
from tasks.store.scratch import scratch_folder
from tasks.terminal.printable import one_line

TEXT_ENDINGS = frozenset({".txt", ".md", ".markdown", ".epub"})
STANDARD_INPUT = "standard input"


@dataclass(frozen=True)
class FilmInput:
    """A sound, or a text that is spoken first; `title` is for people."""

    title: str
    sound: Sound | None = None
    text: str | None = None


@contextlib.contextmanager
def film_input(file: Path | None, text: str | None) -> Iterator[FilmInput]:
    """The input of a command: one of `file` and `text`; `-` is standard input. Its files are there inside this block.

    Raises `InvalidInput`, which names the file or option at fault.
    """
    if (file is None) == (text is None):
        raise InvalidInput("SOUND: name a file with sound or text, or give --text; one of the two")
    if text is not None:
        yield _text_input(read_text() if text == "-" else text)
    elif str(file) == "-":
        with scratch_folder() as folder:
            yield FilmInput("", sound_of(_spooled(folder), STANDARD_INPUT))
    else:
        assert file is not None
        yield _file_input(file)


def read_text() -> str:
    """Standard input as text; raises `InvalidInput` if it is not UTF-8."""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput("text: standard input is not UTF-8") from exc


def _text_input(text: str) -> FilmInput:
    if not any(one.isalnum() for one in text):
        raise InvalidInput("text: nothing to speak (no letter and no digit in it)")
    return FilmInput("", text=text)


def _file_input(file: Path) -> FilmInput:
    if file.suffix.lower() not in TEXT_ENDINGS:
        return FilmInput(one_line(file.stem)[:500], sound_of(file))
    [source] = read_sources([file], None)
    return FilmInput(source.name[:500], text="\n\n".join(chapter.text for _, chapter in source.chapters))


def _spooled(folder: Path) -> Path:
    path = folder / "sound"
    try:
        with path.open("wb") as out:
            shutil.copyfileobj(sys.stdin.buffer, out)
    except OSError as exc:
        raise StoreError(f"{STANDARD_INPUT} cannot be kept in {folder.parent}: {exc.strerror}") from exc
    if not path.stat().st_size:
        raise InvalidInput(f"{STANDARD_INPUT}: is empty")
    return path
