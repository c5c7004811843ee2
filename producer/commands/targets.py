"""Where a command writes what it made: whether that is possible is known before anything is sent."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from producer.files.pictures import PICTURE
from producer.files.save import make_folder
from tasks.errors import InvalidInput, StoreError

STREAM = "-"
FILM_ENDINGS = ("", ".mp4", ".m4v")


@dataclass(frozen=True)
class FilmTarget:
    """A file for a film, or a folder for its pictures; `is_stream`: standard output, for a film."""

    path: Path
    pictures: str | None
    is_stream: bool

    def other_pictures(self, written: int) -> int:
        """How many pictures of this format are in the folder beside the `written` ones: those of another film."""
        if self.pictures is None:
            return 0
        names = (path.name for path in self.path.iterdir())
        return sum(bool(PICTURE.fullmatch(name)) and name.endswith(self.pictures) for name in names) - written


def film_target(given: str, pictures: str | None, source: Path | None = None) -> FilmTarget:
    """What `-o` says; raises `InvalidInput` if it cannot be written, or is the file `source` that the film is made of.

    Makes a folder for pictures.
    """
    target = FilmTarget(Path(given), pictures, given == STREAM)
    if pictures:
        if target.is_stream:
            raise InvalidInput("-o: pictures are written to a folder; name one")
        make_folder(target.path)
        check_writable(target.path)
    elif target.is_stream:
        if sys.stdout.isatty():
            raise InvalidInput("-o: a terminal shows no film; send it on: slotline video … -o - | mpv -")
    else:
        if target.path.is_dir():
            raise InvalidInput(f"-o: {given} is a folder; name a file in it, such as film.mp4")
        if target.path.suffix.lower() not in FILM_ENDINGS:
            raise InvalidInput(f"-o: a film is written as mp4, not as {target.path.suffix}; name it film.mp4")
        check_place(target.path)
        if source is not None and target.path.exists() and source.exists() and target.path.samefile(source):
            raise InvalidInput(f"-o: {given} is the file that the film is made of; name another")
    return target


def check_place(target: Path) -> None:
    """Raise `InvalidInput` if the file `target` cannot be made in its folder."""
    folder = target.parent
    if not folder.is_dir():
        raise InvalidInput(f"-o: there is no folder {folder}; make it, or name another")
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise InvalidInput(f"-o: {target} is no ordinary file; name another")
    check_writable(folder)


def check_writable(folder: Path) -> None:
    """Raise `InvalidInput` if no file can be made in a folder."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidInput(f"-o: folder {folder} cannot be written; name another")


def write_out(data: bytes) -> None:
    """Write all of it to standard output at once; raises `BrokenPipeError` if nobody reads it any more."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise StoreError(f"-o: standard output cannot be written: {exc.strerror}") from exc
