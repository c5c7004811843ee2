"""Files on any file system: written whole, copied with their digest, and their time where it is known."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tasks.store import file_system
from tasks.store.file_system import (
    BLOCK_BYTES,
    copy,
    create,
    modified,
    remove_unless_newer,
    size_and_digest,
    words,
    write,
)

DATA = os.urandom(2 * BLOCK_BYTES + 7)


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, str]:
    """A file system and a folder in it that does not exist yet."""
    url = str(tmp_path / "store" / "deep") if request.param == "local" else f"memory://{secrets.token_hex(8)}/deep"
    fs, root = fsspec.core.url_to_fs(url)
    return fs, str(root)


def test_bytes_and_files_are_written_to_a_folder_that_was_not_there(place: tuple[Any, str], tmp_path: Path) -> None:
    fs, root = place
    source = tmp_path / "source"
    source.write_bytes(DATA)
    write(fs, f"{root}/bytes", b"short")
    write(fs, f"{root}/file", source)
    assert (fs.cat_file(f"{root}/bytes"), fs.cat_file(f"{root}/file")) == (b"short", DATA)
    assert source.read_bytes() == DATA
    assert len(fs.find(root)) == 2


def test_a_file_system_with_real_folders_gets_the_one_that_it_lacks() -> None:
    class Folders(fsspec.implementations.memory.MemoryFileSystem):
        """As sftp is: it writes to no folder that does not exist."""

        protocol = "folders"
        cachable = False

        def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> None:
            if not self.isdir(self._parent(path)):
                raise FileNotFoundError(path)
            super().pipe_file(path, value, **kwargs)

    fs, root = Folders(), f"/{secrets.token_hex(8)}"
    write(fs, f"{root}/deep/a", b"x")
    assert fs.cat_file(f"{root}/deep/a") == b"x"


def test_a_copy_says_how_long_it_is_and_its_digest(tmp_path: Path) -> None:
    digest = hashlib.sha256(DATA).hexdigest()
    assert copy(io.BytesIO(DATA), tmp_path / "copy") == (len(DATA), digest)
    assert (tmp_path / "copy").read_bytes() == DATA
    assert size_and_digest(tmp_path / "copy") == (len(DATA), digest)


def test_a_copy_holds_one_block_at_a_time(tmp_path: Path) -> None:
    asked = set()

    class Source(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.add(size)
            return super().read(size)

    copy(Source(DATA), tmp_path / "copy")
    assert asked == {BLOCK_BYTES}


@pytest.mark.parametrize(
    ("about", "when"),
    [
        ({"mtime": 5}, 5.0),
        ({"LastModified": datetime(1970, 1, 1, 0, 1, tzinfo=UTC)}, 60.0),
        ({"updated": "yesterday", "created": 7.5}, 7.5),
        ({"size": 5}, 0.0),
    ],
)
def test_the_time_of_a_file_is_what_its_file_system_calls_so(about: dict[str, Any], when: float) -> None:
    assert modified(about) == when


def test_a_file_just_written_has_the_time_of_now(place: tuple[Any, str]) -> None:
    fs, root = place
    began = datetime.now(UTC).timestamp()
    write(fs, f"{root}/a", b"x")
    assert modified(fs.info(f"{root}/a")) >= began - 2.0, "a file system may round it to a second"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError("two\n lines"), "two lines"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_an_error_is_one_line(error: Exception, said: str) -> None:
    assert file_system.words(error) == words(error) == said


def test_a_file_is_created_only_if_there_is_none(place: tuple[Any, str]) -> None:
    fs, root = place
    create(fs, f"{root}/one", b"first")
    with pytest.raises(FileExistsError):
        create(fs, f"{root}/one", b"second")
    assert fs.cat_file(f"{root}/one") == b"first"
    assert len(fs.find(root)) == 1


def test_a_disk_without_links_creates_a_file_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    fs = fsspec.filesystem("file")
    create(fs, str(tmp_path / "store" / "one"), b"first")
    with pytest.raises(FileExistsError):
        create(fs, str(tmp_path / "store" / "one"), b"second")
    assert [path.read_bytes() for path in (tmp_path / "store").iterdir()] == [b"first"]


def test_a_file_that_is_newer_than_it_was_seen_is_not_removed(place: tuple[Any, str]) -> None:
    fs, root = place
    write(fs, f"{root}/one", b"first")
    assert not remove_unless_newer(fs, f"{root}/one", 1.0)
    assert fs.cat_file(f"{root}/one") == b"first"
    assert remove_unless_newer(fs, f"{root}/one", time.time() + 1)
    assert remove_unless_newer(fs, f"{root}/one", time.time() + 1)
    assert fs.find(root) == []


@pytest.mark.parametrize("call", ["rename", "link"])
def test_a_disk_that_has_no_room_for_a_name_or_no_links_is_no_hindrance_to_a_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    fs, path = fsspec.filesystem("file"), tmp_path / "one"
    path.write_bytes(b"first")

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "rename", refuse) if call == "rename" else full.setattr(os, "link", refuse)
        assert not remove_unless_newer(fs, str(path), 1.0)
        assert path.read_bytes() == b"first"
        assert remove_unless_newer(fs, str(path), time.time() + 1)
    assert list(tmp_path.iterdir()) == []
