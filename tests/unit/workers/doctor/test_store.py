"""What is said of a store: not made yet, not writable, full, another than the workers'."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from redis import Redis

from tasks.shared_store.users import StoreUse, StoreUser
from tasks.store import identity
from tasks.store.artifacts import Store
from tests.faults.sick_store import SickStore
from tests.unit.workers.doctor.conftest import said
from workers.doctor.store import of_store, of_workers_store


def test_a_store_that_can_be_written_is_fine_and_nothing_stays_in_it(tmp_path: Path) -> None:
    (line,) = said(of_store(Store(str(tmp_path))))
    assert line.startswith(f"✓ store {tmp_path}: written and read, ")
    assert line.endswith(" GB free")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_yet_is_noted_and_not_made(tmp_path: Path) -> None:
    (line,) = said(of_store(Store(str(tmp_path / "new" / "store"))))
    assert line.startswith(f"– store {tmp_path}/new/store is not there yet: the first worker makes it (")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (line,) = said(of_store(Store(str(tmp_path / "file" / "store"))))
    assert line.startswith(
        f"✗ store {tmp_path}/file/store cannot be made: {tmp_path}/file is no folder → let this user"
    )


@pytest.mark.parametrize(
    ("mood", "words", "todo"),
    [("readonly", "Read-only file system", "let this user"), ("full", "No space left on device", "make room there")],
)
def test_a_store_that_cannot_be_written_is_wrong_in_the_systems_words(
    mood: str, words: str, todo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.register_implementation("sick", SickStore, clobber=True)
    (tmp_path / "mood").write_text(f"{mood} store/")
    (tmp_path / "store").mkdir()
    monkeypatch.setenv("SICK_MOOD", str(tmp_path / "mood"))
    (line,) = said(of_store(Store(f"sick://{tmp_path}/store")))
    assert line.startswith("✗ store store sick:")
    assert f"cannot be written (SLOTLINE_STORE_URL): {words} → {todo}" in line


def test_a_file_system_whose_package_lacks_is_wrong(tmp_path: Path) -> None:
    (line,) = said(of_store(Store("nonsense://bucket/folder")))
    assert line.startswith("✗ store store nonsense://bucket/folder: cannot be opened (SLOTLINE_STORE_URL): ")


def test_a_disk_with_little_room_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=300_000_000))
    for folder in (tmp_path, tmp_path / "new"):
        (line,) = said(of_store(Store(str(folder))))
        assert line.startswith(f"✗ store {folder}: only 0.3 GB free → make room there")


def test_another_store_than_the_workers_is_wrong_and_both_are_named(tmp_path: Path, raw_redis: Redis) -> None:
    theirs, mine = Store(str(tmp_path / "theirs")), Store(str(tmp_path / "mine"))
    assert said(of_workers_store(mine, raw_redis)) == [], "no worker lives, so nothing is known"
    StoreUse(identity.made(theirs), StoreUser(theirs.place, "a worker", "machine")).join(raw_redis, 60)
    assert said(of_workers_store(theirs, raw_redis)) == []
    (line,) = said(of_workers_store(mine, raw_redis))
    assert line.startswith(f"✗ store SLOTLINE_STORE_URL: the store here is {mine.place} on ")
    assert f"the workers use another one: {theirs.place} (" in line
    assert line.endswith("; what is sent from here is refused → Set SLOTLINE_STORE_URL to their store")
