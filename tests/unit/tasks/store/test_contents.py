"""What lies in a store, folder by folder, on a disk and on an object store."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tasks.errors import StoreError
from tasks.store import contents, identity, writing
from tasks.store.artifacts import Store, name_of


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://{secrets.token_hex(8)}/deep")


def refuse(exc: StoreError) -> None:
    raise exc


def all_of(store: Store) -> list[contents.Stored]:
    found = contents.folders(store, "", refuse)
    return [one for folder in found for one in contents.listed(store, folder).stored]


def test_an_empty_store_has_no_folders_and_its_identity_is_no_artifact(store: Store) -> None:
    assert all_of(store) == []
    identity.made(store)
    assert all_of(store) == []


def test_all_files_of_one_name_are_one_with_the_pointers_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    name = name_of("speech", "json", {"n": 1})  # data that is JSON ends like a pointer
    with monkeypatch.context() as pairs:
        pairs.setattr(writing, "ONE_FILE_BYTES", -1)
        store.put_bytes(name, b"one")
        store.put_bytes(name, b"other")
    store.put_bytes(name, b"in one file")
    [found] = all_of(store)
    assert found.name == name.removesuffix(".json")
    assert [file.name.endswith(".json.json") for file in found.files] == [True, False, False, False]
    assert found.bytes > len(b"one" + b"other")
    assert found.used_s == max(file.modified_s for file in found.files) > 0


def test_the_folders_go_on_after_one(store: Store) -> None:
    for number in range(6):
        store.put_bytes(name_of("speech" if number % 2 else "chapter", "wav", {"n": number}), b"x")
    folders = [name for name in contents.folders(store, "", refuse) if not name.endswith(".drafts")]
    assert folders == sorted(folders)
    for number, folder in enumerate(folders):
        rest = [name for name in contents.folders(store, folder, refuse) if not name.endswith(".drafts")]
        assert rest == folders[number + 1 :]


def test_what_is_removed_is_gone_with_its_data_and_may_be_removed_twice(store: Store) -> None:
    name = name_of("speech", "wav", {"n": 1})
    store.put_bytes(name, b"x")
    [found] = all_of(store)
    assert contents.remove(store, found)
    assert contents.remove(store, found)
    assert store.find(name) is None
    assert all_of(store) == []


def test_what_was_written_since_it_was_listed_stays(store: Store) -> None:
    name = name_of("speech", "wav", {"n": 1})
    store.put_bytes(name, b"x")
    [found] = all_of(store)
    earlier = contents.Stored(found.name, tuple(contents.StoredFile(f.name, f.bytes, 1.0) for f in found.files))
    assert not contents.remove(store, earlier)
    assert store.read_bytes(name) == b"x"
    assert all_of(store) == [found]


def test_a_folder_that_is_gone_is_empty_and_a_root_that_cannot_be_listed_is_named(store: Store, tmp_path: Path) -> None:
    assert contents.listed(store, "speech/ab") == contents.Folder((), (), 0)
    with pytest.raises(StoreError, match="nosuchthing://x: cannot be listed"):
        list(contents.folders(Store("nosuchthing://x"), "", refuse))
