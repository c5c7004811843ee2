"""A use is noted in the times of an artifact's files, seldom, and never at the cost of the use."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.store import contents
from tasks.store.artifacts import Store
from tasks.store.use import EVERY_ELSEWHERE_S, EVERY_S

NAME = f"speech/ab/{'ab' * 32}.wav"
LONG_AGO_S = 1_000_000_000.0


@pytest.fixture(params=["single", "pair"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store(str(tmp_path / "store"))
    if request.param == "pair":
        monkeypatch.setattr("tasks.store.writing.ONE_FILE_BYTES", -1)
    made.put_bytes(NAME, b"x")
    return made


def age(store: Store, seconds: float) -> None:
    for path in Path(store.place).rglob("*.wav*"):
        os.utime(path, (time.time() - seconds,) * 2)


def times(store: Store) -> set[bool]:
    """Whether the files have a time of just now."""
    return {time.time() - path.stat().st_mtime < EVERY_S / 2 for path in Path(store.place).rglob("*.wav*")}


@pytest.mark.parametrize("use", ["find", "read_bytes", "fetch"])
def test_each_use_gives_all_files_the_present_time(store: Store, tmp_path: Path, use: str) -> None:
    age(store, 2 * EVERY_S)
    store.fetch(NAME, tmp_path / "copy") if use == "fetch" else getattr(store, use)(NAME)
    assert times(store) == {True}


def test_a_use_a_moment_after_another_is_not_noted_again(store: Store) -> None:
    age(store, EVERY_S * 0.75)
    assert store.find(NAME) is not None
    assert times(store) == {False}


def test_what_was_removed_at_this_moment_is_not_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    age(store, 2 * EVERY_S)
    utime = os.utime

    def remove_first(path: str) -> None:
        Path(path).unlink()
        utime(path)

    monkeypatch.setattr(os, "utime", remove_first)
    assert store.find(NAME) is None


def test_who_may_not_write_leaves_no_note_and_gets_no_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    age(store, 2 * EVERY_S)

    def refuse(path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(os, "utime", refuse)
    assert store.find(NAME) is not None
    assert store.read_bytes(NAME) == b"x"


class Counting:
    """A file system with files of long ago that cannot be written; with lists of what is written and looked at."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs
        self.written: list[str] = []
        self.looked_at: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def info(self, path: str) -> dict[str, Any]:
        self.looked_at.append(path)
        return {**self._fs.info(path), "created": time.time() - 2 * EVERY_ELSEWHERE_S}

    def pipe_file(self, path: str, value: bytes) -> None:
        self.written.append(path)
        raise OSError("read only")


class Old(Counting):
    """It can be written."""

    def pipe_file(self, path: str, value: bytes) -> None:
        self._fs.pipe_file(path, value)


def elsewhere() -> Store:
    return Store(f"memory://{secrets.token_hex(8)}/deep")


@pytest.mark.parametrize("is_single", [True, False], ids=["single", "pair"])
def test_elsewhere_a_note_is_written_in_the_pointers_place_once_an_hour_and_a_refusal_is_no_error(
    monkeypatch: pytest.MonkeyPatch, is_single: bool
) -> None:
    if not is_single:
        monkeypatch.setattr("tasks.store.writing.ONE_FILE_BYTES", -1)
    store = elsewhere()
    put = store.put_bytes(NAME, b"x")
    fs, root = store.opened()
    counting = Counting(fs)
    store._opened = (os.getpid(), counting, root)
    assert store.find(NAME) == store.find(NAME) == put
    assert counting.written == [f"{root}/{put.pointer_name}"]
    assert len(counting.looked_at) == (1 if is_single else 2), "what was noted is not looked at again"


def test_elsewhere_the_note_beside_a_single_file_counts_as_its_use_and_is_no_pointer() -> None:
    store = elsewhere()
    put = store.put_bytes(NAME, b"x")
    fs, root = store.opened()
    store._opened = (os.getpid(), Old(fs), root)
    assert store.find(NAME) == put
    store._opened = (os.getpid(), fs, root)
    [stored] = contents.listed(store, "speech/ab").stored
    assert [file.name for file in stored.files] == [put.pointer_name, put.name]
    assert Store(store.place).find(NAME) == put
    fs.rm_file(f"{root}/{NAME}")
    assert store.find(NAME) is None
    assert contents.remove(store, contents.listed(store, "speech/ab").stored[0])
    assert fs.find(root) == []
