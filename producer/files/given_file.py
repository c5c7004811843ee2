"""The beginning of a file that a person has named, or one line that says why it cannot be read. Judges no content."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import InvalidInput


def first_bytes(path: Path, wanted: str, count: int = 80) -> bytes:
    """At most `count` bytes; raises `InvalidInput` for what is no ordinary file, is empty or cannot be read.

    `wanted` says which file it should be: «a text, Markdown or EPUB file».
    """
    with reading(path):
        check_ordinary(path, wanted)
        with path.open("rb") as file:
            start = file.read(count)
    if not start:
        raise InvalidInput(f"{path}: the file is empty")
    return start


def check_ordinary(path: Path, wanted: str) -> None:
    """Raise `InvalidInput` for what is no ordinary file, and the system's `OSError` for what is not there."""
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        raise InvalidInput(f"{path}: a folder; name {wanted} in it")
    if not stat.S_ISREG(kind):
        raise InvalidInput(f"{path}: not an ordinary file; save it to one first")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Inside this block an `OSError` is the `InvalidInput` that the file cannot be read, and why."""
    try:
        yield
    except FileNotFoundError as exc:
        raise InvalidInput(f"{path}: no such file") from exc
    except OSError as exc:
        raise InvalidInput(f"{path}: cannot be read ({exc.strerror})") from exc
