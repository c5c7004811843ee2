"""Files on their way into the store: from a path, from bytes, from a file that is open."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from producer.inference.files import given_file, put
from tasks.errors import InvalidInput, StoreError
from tasks.store.artifacts import Store
from tests.faults.moods import on_a_sick_disk

SMALL, LARGE = b"\x89PNG not really", bytes(range(256)) * 12_000
"""An artifact of one file, and one of two."""


def name_of(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"file/{digest[:2]}/{digest}.bin"


def stored(store: Store) -> dict[str, Any]:
    """All files of the store, drafts too, with what is known of each: one that was written again differs."""
    fs, root = store.opened()
    return {path: fs.info(path) for path in fs.find(root)} if fs.exists(root) else {}


@pytest.mark.parametrize("content", [SMALL, LARGE, b""], ids=["small", "large", "empty"])
def test_the_same_content_has_one_name_and_is_written_once_however_it_is_given(
    store: Store, tmp_path: Path, content: bytes
) -> None:
    for path in ("one.PNG", "-two ☃"):
        (tmp_path / path).write_bytes(content)
    name = put(store, tmp_path / "one.PNG")
    assert (name, store.read_bytes(name)) == (name_of(content), content)
    before = stored(store)
    zipped = io.BytesIO(gzip.compress(content))
    with (tmp_path / "one.PNG").open("rb") as opened, gzip.open(zipped) as unpacked:
        others: list[Any] = [tmp_path / "-two ☃", content, bytearray(content), memoryview(content), opened, unpacked]
        assert {put(store, one) for one in others} == {name}
    assert stored(store) == before


def test_a_file_that_is_open_is_stored_from_where_it_is_read(store: Store) -> None:
    source = io.BytesIO(b"header" + SMALL)
    source.seek(6)
    assert store.read_bytes(put(store, source)) == SMALL
    assert not source.closed


def test_a_pipe_is_stored_while_it_is_read(store: Store) -> None:
    reading, writing = os.pipe()
    os.write(writing, SMALL)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert store.read_bytes(put(store, pipe)) == SMALL


def test_the_media_type_is_kept_as_it_is_said_or_as_the_name_tells(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"1")
    given: list[tuple[Any, str | None, str]] = [
        (tmp_path / "a.png", None, "image/png"),
        (b"2", "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
    ]
    for content, said, kept in given:
        found = store.find(put(store, content, said))
        assert found is not None
        assert found.details == {"media_type": kept}
    with pytest.raises(InvalidInput, match="^media_type: 'png' is no media type"):
        put(store, b"3", "png")


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel lets no file of this process grow beyond so many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_is_said_and_keeps_nothing(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    for given in (LARGE, io.BytesIO(LARGE)):
        with largest_file(2_000_000), pytest.raises(StoreError, match=f"^store {store.place}: .*File too large"):
            put(store, given)
        assert stored(store) == {}
    assert store.read_bytes(put(store, LARGE)) == LARGE


def test_a_full_store_elsewhere_is_said_and_the_next_try_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    mood = on_a_sick_disk(tmp_path, monkeypatch)
    store = Store(os.environ["SLOTLINE_STORE_URL"])
    mood("full file/")
    with pytest.raises(StoreError, match="No space left on device"):
        put(store, io.BytesIO(SMALL))
    mood("well")
    assert store.read_bytes(put(store, io.BytesIO(SMALL))) == SMALL


class Broken(io.RawIOBase):
    """A file whose disk has a fault."""

    def read(self, size: int = -1) -> bytes:
        raise OSError(5, "Input/output error")


def test_what_cannot_be_read_is_named_and_nothing_is_stored(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    closed = io.BytesIO(SMALL)
    closed.close()
    wrong: list[tuple[Any, str]] = [
        (tmp_path / "none", f"{tmp_path}/none: no such file"),
        (tmp_path, f"{tmp_path}: a folder; name a file in it"),
        (tmp_path / "pipe", f"{tmp_path}/pipe: not an ordinary file; save it to one first"),
        (io.StringIO("text"), "data: read() gave str, not bytes; open the file with mode 'rb'"),
        (closed, "data: cannot be read (I/O operation on closed file.)"),
        (Broken(), "data: cannot be read (Input/output error)"),
        ("x.png", "data: is a text, 'x.png'; give a file as pathlib.Path, its bytes, or a file that is open with"),
        (7, "data: is neither bytes nor a file, but int; give a file as"),
    ]
    for given, words in wrong:
        with pytest.raises(InvalidInput, match=f"^{re.escape(words)}"):
            put(store, given)
    assert stored(store) == {}


def test_the_name_and_the_size_of_a_file_are_known_before_it_is_stored(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(SMALL)
    for given in (given_file(store, tmp_path / "a"), given_file(store, SMALL)):
        assert (given.name, given.bytes) == (name_of(SMALL), len(SMALL))
    assert stored(store) == {}


def test_a_file_that_grows_while_it_is_sent_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "growing").write_bytes(SMALL)
    given = given_file(store, tmp_path / "growing")
    (tmp_path / "growing").write_bytes(SMALL + b"more")
    with pytest.raises(InvalidInput, match="growing: it was changed while it was read"):
        given.put(store)
    assert store.find(given.name) is None
