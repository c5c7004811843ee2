"""A new local file that is hashed while it is written, so that it need not be read again. Knows no artifacts."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

from tasks.store.file_system import BLOCK_BYTES


class HashedFile:
    """Counts and hashes what is written. Raises the system's `OSError`."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._hashed = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Append, all of it."""
        self._append(data)
        self._hashed.update(data)
        self.bytes += len(data)

    def replace_start(self, data: bytes) -> None:
        """Replace the first bytes. The file is then read and hashed once more, which takes long."""
        self._file.seek(0)
        self._append(data)
        self._file.seek(0)
        self._hashed = hashlib.sha256()
        while block := self._file.read(BLOCK_BYTES):
            self._hashed.update(block)

    def digest(self) -> str:
        """The SHA-256 of what the file holds now."""
        return self._hashed.hexdigest()

    def _append(self, data: bytes) -> None:
        written = self._file.write(data)
        while written < len(data):  # a disk that is nearly full takes a part of it, and then refuses
            data = data[written:]
            written = self._file.write(data)


@contextlib.contextmanager
def hashed_file(path: Path) -> Iterator[HashedFile]:
    """Make the file, which must not exist; it is closed at the end of the block."""
    with io.FileIO(path, "x+") as file:
        yield HashedFile(file)
