"""A file is hashed while it is written, also after its start was replaced, and an error of the disk is not hidden."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest

from tasks.store.file_system import BLOCK_BYTES
from tasks.store.hashed_file import HashedFile, hashed_file


def test_what_is_written_is_counted_and_hashed(tmp_path: Path) -> None:
    data = [b"", b"1", os.urandom(2 * BLOCK_BYTES + 7), b"234"]
    with hashed_file(tmp_path / "a") as file:
        for block in data:
            file.write(block)
        assert (tmp_path / "a").read_bytes() == b"".join(data), "nothing waits to be written"
        assert (file.bytes, file.digest()) == (sum(map(len, data)), hashlib.sha256(b"".join(data)).hexdigest())


def test_a_start_that_is_replaced_is_hashed_as_it_is_then(tmp_path: Path) -> None:
    rest = os.urandom(BLOCK_BYTES + 1)
    with hashed_file(tmp_path / "a") as file:
        file.write(b"first" + rest)
        file.replace_start(b"other")
        assert file.bytes == 5 + len(rest)
        assert file.digest() == hashlib.sha256(b"other" + rest).hexdigest()
    assert (tmp_path / "a").read_bytes() == b"other" + rest


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")
    with pytest.raises(FileExistsError), hashed_file(tmp_path / "a"):
        pass
    assert (tmp_path / "a").read_bytes() == b"before"


class NearlyFull(io.FileIO):
    """A disk that takes at most 3 bytes at once, and 10 in all."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() >= 10:
            raise OSError(28, "No space left on device")
        return super().write(data[:3])


def test_a_disk_that_takes_a_part_gets_the_rest_until_it_refuses(tmp_path: Path) -> None:
    with NearlyFull(tmp_path / "a", "x+") as raw:
        file = HashedFile(raw)
        file.write(b"12345678")
        assert (tmp_path / "a").read_bytes() == b"12345678"
        with pytest.raises(OSError, match="No space left"):
            file.write(b"90123")
