"""A new local file that is hashed while it is written, so that it need not be read again. Knows no artifacts.

Pieces are collected and written a megabyte at a time: a file system takes them so in half the time.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

from tasks.store.file_system import BLOCK_BYTES

PIECES_AT_ONCE = 512
"""One call takes at most so many pieces, half of what Linux allows."""


class HashedFile:
    """Counts, hashes and writes. Raises the system's `OSError`, at the latest from `finish`."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._hashed = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Append, all of it."""
        self._hashed.update(data)
        self.bytes += len(data)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= BLOCK_BYTES or len(self._waiting) >= PIECES_AT_ONCE:
            self._flush()

    def replace_start(self, data: bytes) -> None:
        """Replace the first bytes. The file is then read and hashed once more, which takes long."""
        self._flush()
        self._file.seek(0)
        self._write_all(data)
        self._file.seek(0)
        self._hashed = hashlib.sha256()
        while block := self._file.read(BLOCK_BYTES):
            self._hashed.update(block)

    def finish(self) -> str:
        """Write what waits; returns the SHA-256 of all that the file holds."""
        self._flush()
        return self._hashed.hexdigest()

    def _flush(self) -> None:
        pieces, self._waiting, self._waiting_bytes = self._waiting, [], 0
        written = os.writev(self._file.fileno(), pieces) if pieces else 0
        if written < sum(map(len, pieces)):
            self._write_all(b"".join(pieces)[written:])

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # a disk that is nearly full takes a part of it, and then refuses
            rest = rest[self._file.write(rest) :]


@contextlib.contextmanager
def hashed_file(path: Path) -> Iterator[HashedFile]:
    """Make the file, which must not exist; it is closed at the end of the block."""
    with io.FileIO(path, "x+") as file:
        yield HashedFile(file)
