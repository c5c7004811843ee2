"""A file is hashed while it is written, also after its start was replaced, and an error of the disk is not hidden."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest

from tasks.store.file_system import BLOCK_BYTES
from tasks.store.hashed_file import PIECES_AT_ONCE, HashedFile, hashed_file


@pytest.mark.parametrize(
    "pieces",
    [[], [b""], [b"1", b"", b"23"], [b"1", os.urandom(2 * BLOCK_BYTES + 7), b"234"], [b"1"] * (2 * PIECES_AT_ONCE + 1)],
    ids=["none", "empty", "small", "large", "many"],
)
def test_what_is_written_is_counted_and_hashed(tmp_path: Path, pieces: list[bytes]) -> None:
    with hashed_file(tmp_path / "a") as file:
        for piece in pieces:
            file.write(piece)
        assert file.finish() == hashlib.sha256(b"".join(pieces)).hexdigest()
        assert file.bytes == sum(map(len, pieces))
        assert (tmp_path / "a").read_bytes() == b"".join(pieces), "nothing waits to be written"


def test_a_start_that_is_replaced_is_hashed_as_it_is_then(tmp_path: Path) -> None:
    rest = os.urandom(BLOCK_BYTES + 1)
    with hashed_file(tmp_path / "a") as file:
        file.write(b"first" + rest)
        file.write(b"more")
        file.replace_start(b"other")
        assert file.finish() == hashlib.sha256(b"other" + rest + b"more").hexdigest()
    assert (tmp_path / "a").read_bytes() == b"other" + rest + b"more"


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")
    with pytest.raises(FileExistsError), hashed_file(tmp_path / "a"):
        pass
    assert (tmp_path / "a").read_bytes() == b"before"


def test_a_disk_that_takes_a_part_gets_the_rest_until_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writev = os.writev
    monkeypatch.setattr(os, "writev", lambda descriptor, pieces: writev(descriptor, [pieces[0][:3]]))
    with hashed_file(tmp_path / "a") as file:
        file.write(b"12345678")
        file.write(b"90")
        assert file.finish() == hashlib.sha256(b"1234567890").hexdigest()
    assert (tmp_path / "a").read_bytes() == b"1234567890"


def test_a_disk_that_refuses_is_told_at_the_latest_when_the_file_is_finished(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with io.FileIO(tmp_path / "a", "r") as raw:
        file = HashedFile(raw)
        file.write(b"12345678")
        with pytest.raises(OSError, match="Bad file descriptor"):
            file.finish()
