"""The lock of a model from the hub: kept as it is, compared, and refused where it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import PullFailed
from workers.pull.hub import lock
from workers.pull.hub.lock import HubLock, LockedFile

ONE, TWO = "1" * 64, "2" * 64


def file(**known: object) -> LockedFile:
    return LockedFile.model_validate({"repo": "a/b", "origin": "x", "bytes": 3, **known})


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "kokoro.hub.json"
    assert lock.read(path) is None
    kept = HubLock(repos={"a/b": "c0ffee"}, files={"x": file(sha256=ONE)})
    lock.write(path, kept)
    assert lock.read(path) == kept
    assert kept.revision == "a/b@c0ffee"


def test_one_that_cannot_be_read_is_refused_and_not_ignored(tmp_path: Path) -> None:
    path = tmp_path / "kokoro.hub.json"
    path.write_text("{")
    with pytest.raises(PullFailed, match="cannot be read .*; remove it to lock the newest"):
        lock.read(path)


@pytest.mark.parametrize(
    ("locked", "other", "said"),
    [
        (file(sha256=ONE), file(sha256=ONE), None),
        (file(sha256=ONE), file(), None),
        (file(sha256=ONE), file(sha256=TWO), "x: SHA-256 2222"),
        (file(git="1" * 40), file(git="2" * 40), "x: git's digest 2222"),
        (file(bytes=4), file(), "x: 3 bytes, locked are 4"),
    ],
)
def test_only_what_both_know_is_compared(locked: LockedFile, other: LockedFile, said: str | None) -> None:
    found = HubLock(files={"x": locked}).differences({"x": other, "new": other})
    assert [line[: len(said or "")] for line in found] == ([said] if said else [])
