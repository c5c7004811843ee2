"""A use is noted in the times of an artifact's files, seldom, and never at the cost of the use."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.store.artifacts import Store
from tasks.store.use import EVERY_ELSEWHERE_S, EVERY_S

NAME = f"speech/ab/{'ab' * 32}.wav"
LONG_AGO_S = 1_000_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "store"))
    made.put_bytes(NAME, b"x")
    return made


def age(store: Store, seconds: float) -> None:
    for path in Path(store.place).rglob("*.wav*"):
        os.utime(path, (time.time() - seconds,) * 2)


def times(store: Store) -> set[bool]:
    """Whether the files have a time of just now."""
    return {time.time() - path.stat().st_mtime < EVERY_S / 2 for path in Path(store.place).rglob("*.wav*")}


@pytest.mark.parametrize("use", ["find", "read_bytes", "fetch"])
def test_each_use_gives_both_files_the_present_time(store: Store, tmp_path: Path, use: str) -> None:
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


def test_elsewhere_the_pointer_is_written_again_once_an_hour_and_a_refusal_is_no_error() -> None:
    store = Store(f"memory://{secrets.token_hex(8)}/deep")
    put = store.put_bytes(NAME, b"x")
    fs, root = store.opened()
    written: list[str] = []

    class Counting:
        """The file system, with files of long ago, and a list of what is written."""

        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def info(self, path: str) -> dict[str, Any]:
            return {**fs.info(path), "created": time.time() - 2 * EVERY_ELSEWHERE_S}

        def pipe_file(self, path: str, value: bytes) -> None:
            written.append(path)
            raise OSError("read only")

    store._opened = (os.getpid(), Counting(), root)
    assert store.find(NAME) == store.find(NAME) == put
    assert written == [f"{root}/{put.pointer_name}"]
