"""Stores a file for a model: unchanged, in constant memory, under a name from its content.

The same content is stored once, whatever its file is called. What is in it, is for the model's adapter to say.
"""

from __future__ import annotations

import functools
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from producer.files.given_file import check_ordinary, reading
from tasks.errors import InvalidInput
from tasks.store.file_system import BLOCK_BYTES, size_and_digest
from tasks.store.names import JSON, name_of_bytes, name_of_digest

if TYPE_CHECKING:
    from tasks.store.artifacts import Store
    from tasks.store.hashed_file import HashedFile

KIND = "file"
CALLED = "data: "
"""How errors begin where the file has no name."""
EXTENSION = "bin"
"""Of every file: the name says the content alone, so the same bytes have one name."""

Given: TypeAlias = "bytes | bytearray | memoryview | Path | IO[bytes]"
"""A file, its bytes, or a file that is open for reading bytes: what is left in it."""

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*(;.*)?", re.ASCII)


@dataclass(frozen=True)
class GivenFile:
    """A file that may not be in the store yet. `name` is that of its artifact, `details` are kept beside it."""

    content: bytes | Path
    name: str
    bytes: int
    details: Mapping[str, JSON]

    def put(self, store: Store) -> None:
        """Store it, if it is not there; raises `StoreError`, or `InvalidInput` if the file has changed since."""
        if store.find(self.name) is not None:
            return
        if isinstance(self.content, bytes):
            store.put_bytes(self.name, self.content, self.details)
            return
        write = functools.partial(_copy_file, self.content, self.details)
        if store.put_content(KIND, EXTENSION, write).name != self.name:
            raise InvalidInput(f"{self.content}: it was changed while it was read; send it when it is finished")


def put(store: Store, given: Given, media_type: str | None = None) -> str:
    """Store a file, if its content is not there yet; returns its artifact's name. `media_type` is kept beside it.

    Raises `InvalidInput` for what is no file or cannot be read, `StoreError` if it cannot be stored.
    """
    found = given_file(store, given, media_type)
    found.put(store)
    return found.name


def given_file(store: Store, given: Given, media_type: str | None = None) -> GivenFile:
    """A file with the name that it will have; raises `InvalidInput` if it cannot be read.

    A file that is open is stored here, because it can be read only once.
    """
    if isinstance(given, bytes | bytearray | memoryview):
        content = bytes(given)
        return GivenFile(content, name_of_bytes(KIND, EXTENSION, content), len(content), _details(None, media_type))
    if isinstance(given, Path):
        with reading(given):
            check_ordinary(given, "a file")
            size, digest = size_and_digest(given)
        return GivenFile(given, name_of_digest(KIND, EXTENSION, digest), size, _details(given, media_type))
    if not callable(getattr(given, "read", None)):
        raise _no_file(given)
    details = _details(None, media_type)
    stored = store.put_content(KIND, EXTENSION, functools.partial(_copy, given, details))
    return GivenFile(b"", stored.name, stored.bytes, details)


def _no_file(given: object) -> InvalidInput:
    """The error for what is neither bytes nor a file; a text may have been meant as a path."""
    said = (
        f"is a text, {given[:60]!r}" if isinstance(given, str) else f"is neither bytes nor a file, but {_type(given)}"
    )
    return InvalidInput(
        f"{CALLED}{said}; give a file as pathlib.Path, its bytes, or a file that is open with mode 'rb'"
    )


def _copy_file(source: Path, details: Mapping[str, JSON], target: HashedFile) -> Mapping[str, JSON]:
    with reading(source):
        file = source.open("rb")
    with file:
        while block := _read(file, str(source)):
            target.write(block)
    return details


def _copy(source: IO[bytes], details: Mapping[str, JSON], target: HashedFile) -> Mapping[str, JSON]:
    while block := _read(source, CALLED.removesuffix(": ")):
        target.write(block)
    return details


def _read(source: IO[bytes], called: str) -> bytes:
    """The next block. Its errors are those of the source, so that they are not taken for the store's."""
    try:
        block = source.read(BLOCK_BYTES)
    except (OSError, ValueError) as exc:  # ValueError: the file is closed
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise InvalidInput(f"{called}: cannot be read ({reason})") from exc
    if not isinstance(block, bytes | bytearray | memoryview):
        raise InvalidInput(f"{called}: read() gave {_type(block)}, not bytes; open the file with mode 'rb'")
    return bytes(block)


def _details(path: Path | None, media_type: str | None) -> Mapping[str, JSON]:
    """The media type that was given, or that the file's name tells."""
    if media_type is not None and not (isinstance(media_type, str) and _MEDIA_TYPE.fullmatch(media_type)):
        raise InvalidInput(f"media_type: {str(media_type)[:60]!r} is no media type (an example: image/png)")
    found = media_type or (mimetypes.guess_type(path.name)[0] if path else None)
    return {"media_type": found} if found else {}


def _type(given: object) -> str:
    return type(given).__name__
