"""A store has one identity, however many make it at once, on any file system."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tasks.errors import StoreError
from tasks.launch import environment
from tasks.store import identity
from tasks.store.artifacts import Store

MAKE = "import sys; from tasks.store import artifacts, identity; print(identity.made(artifacts.Store(sys.argv[1])))"


class LastWins(MemoryFileSystem):
    """As an object store that knows no exclusive write: of two writers the last one wins."""

    protocol = "lastwins"
    store: dict[str, Any] = {}  # noqa: RUF012, as its base class has it
    pseudo_dirs = [""]  # noqa: RUF012

    def exists(self, path: str, **kwargs: Any) -> bool:
        return False

    def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> None:
        if "mode" in kwargs:
            raise TypeError("an unexpected keyword argument 'mode'")
        super().pipe_file(path, value)


fsspec.register_implementation("lastwins", LastWins, clobber=True)


@pytest.fixture(params=["local", "memory", "lastwins"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(identity, "SETTLES_IN_S", 0.0)
    return str(tmp_path / "store") if request.param == "local" else f"{request.param}://{secrets.token_hex(8)}/deep"


def test_it_is_made_once_and_read_by_all(url: str) -> None:
    assert identity.known(Store(url)) is None
    made = identity.made(Store(url))
    assert made
    assert identity.made(Store(url)) == identity.known(Store(url)) == made


def test_two_stores_have_two(url: str) -> None:
    assert identity.made(Store(url + "/a")) != identity.made(Store(url + "/b"))


def test_of_many_processes_that_make_it_at_once_all_have_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path / "store")]
    started = [subprocess.Popen(command, env=environment({}), stdout=subprocess.PIPE, text=True) for _ in range(4)]
    ids = {process.communicate()[0] for process in started}
    assert ids == {f"{identity.known(Store(str(tmp_path / 'store')))}\n"}
    assert [path.name for path in (tmp_path / "store").iterdir()] == [identity.FILE]


def test_a_writer_that_was_overtaken_has_the_id_of_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"lastwins://{secrets.token_hex(8)}")

    def other(_: float) -> None:
        fs, root = store.opened()
        fs.pipe_file(f"{root}/{identity.FILE}", json.dumps({"id": "the other"}).encode())

    monkeypatch.setattr("time.sleep", other)
    assert identity.made(store) == "the other"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 7}'])
def test_a_damaged_file_counts_as_none_and_is_mended_by_a_worker(url: str, content: bytes) -> None:
    store = Store(url)
    made = identity.made(store)
    fs, root = store.opened()
    fs.pipe_file(f"{root}/{identity.FILE}", content)
    assert identity.known(store) is None
    assert identity.made(store) not in ("", made)


def test_a_store_that_cannot_be_written_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/store: its identity cannot be (read|written).*: Not a directory$"):
        identity.made(Store(str(tmp_path / "file" / "store")))
