"""Stores a file with sound for the workers: unchanged, in constant memory, under a name from its content.

The same sound is stored once, whatever its file is called. A flow worker decodes it; here only its start is tried, if
PyAV is installed, so that what is no sound is refused before anything is sent.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from producer.files.given_file import first_bytes
from tasks.errors import InvalidInput, MissingExtra
from tasks.media.film.sound import probe_sound
from tasks.store.file_system import BLOCK_BYTES, size_and_digest
from tasks.store.names import JSON, name_of_bytes, name_of_digest

if TYPE_CHECKING:
    from tasks.store.artifacts import Store
    from tasks.store.hashed_file import HashedFile

KIND = "sound"
NO_EXTENSION = "bin"
"""The format is read from the content in any case; an extension only helps people who look into the store."""

_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True)
class Sound:
    """A sound that may not be in the store yet: a file, or its bytes. `name` is that of its artifact."""

    content: Path | bytes
    name: str

    def put(self, store: Store) -> None:
        """Store it, if it is not there; raises `StoreError`, or `InvalidInput` if the file has changed since."""
        if store.find(self.name) is not None:
            return
        if isinstance(self.content, bytes):
            store.put_bytes(self.name, self.content)
            return
        stored = store.put_written(self.name, functools.partial(_copy, self.content))
        if name_of_digest(KIND, _extension(self.content), stored.sha256) != self.name:
            store.delete(self.name)
            raise InvalidInput(f"{self.content}: it was changed while it was read; send it when it is finished")


def sound_of(given: Path | bytes, name: str = "") -> Sound:
    """The sound in a file, or in its bytes; raises `InvalidInput` if it cannot be read or is empty.

    A file that holds no sound is refused, too; bytes are not looked at. `name` is how errors call the file.
    """
    if isinstance(given, bytes):
        if not given:
            raise InvalidInput("sound: has no bytes")
        return Sound(given, name_of_bytes(KIND, NO_EXTENSION, given))
    first_bytes(given, "a file with sound")
    with contextlib.suppress(MissingExtra):  # the flow worker says it then
        probe_sound(given, name or str(given))
    try:
        _, digest = size_and_digest(given)
    except OSError as exc:
        raise InvalidInput(f"{given}: cannot be read ({exc.strerror})") from exc
    return Sound(given, name_of_digest(KIND, _extension(given), digest))


def _copy(source: Path, target: HashedFile) -> Mapping[str, JSON]:
    with source.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            target.write(block)
    return {}


def _extension(path: Path) -> str:
    found = path.suffix.removeprefix(".").lower()
    return found if _EXTENSION.fullmatch(found) else NO_EXTENSION
