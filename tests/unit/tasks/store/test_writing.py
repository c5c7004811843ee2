"""The files of an artifact: one or two by its size, written whole, and a draft that is moved or sent."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tasks.errors import StoreError
from tasks.store import writing
from tasks.store.artifacts import name_of
from tasks.store.hashed_file import HashedFile
from tasks.store.names import Artifact, name_of_digest
from tasks.store.writing import DRAFTS, draft_of
from tests.unit.tasks.store.conftest import Place

NAME = name_of("chapter", "wav", {"parts": 3})
DATA = b"some data"
PUT = Artifact(NAME, len(DATA), hashlib.sha256(DATA).hexdigest(), {"frames": 7})


@pytest.mark.parametrize("is_draft", [True, False])
def test_a_local_file_is_placed_and_only_a_draft_may_be_gone_afterwards(place: Place, is_draft: bool) -> None:
    with draft_of(place.fs, place.root, NAME) as draft:
        draft.write_bytes(DATA)
        writing.place(place.fs, place.root, PUT, draft, is_draft)
        assert is_draft or draft.read_bytes() == DATA
    assert not draft.exists()
    assert place.store.read(NAME) == (PUT, DATA)
    assert len(place.files()) == (1 if place.single else 2)


def test_on_a_local_disk_a_draft_lies_where_it_is_renamed_from(singles: Place) -> None:
    with draft_of(singles.fs, singles.root, NAME) as draft:
        folder = Path(singles.root, "chapter", DRAFTS)
        assert (draft.parent == folder) == bool(getattr(singles.fs, "local_file", False))
        assert draft.name.startswith(".") or draft.parent != folder


def test_an_artifact_that_is_written_piece_by_piece_is_there_when_it_is_whole(place: Place) -> None:
    def write(file: HashedFile) -> dict[str, int]:
        for number in range(len(DATA)):
            file.write(DATA[number : number + 1])
            assert place.store.find(NAME) is None
        return {"frames": 7}

    assert place.store.put_written(NAME, write) == PUT == place.store.find(NAME)
    assert place.store.read_bytes(NAME) == DATA


def test_what_is_written_piece_by_piece_may_be_named_by_its_content(place: Place) -> None:
    def write(file: HashedFile) -> dict[str, int]:
        file.write(DATA[:4])
        file.write(DATA[4:])
        return {"frames": 7}

    put = place.store.put_content("file", "bin", write)
    assert put == Artifact(name_of_digest("file", "bin", PUT.sha256), len(DATA), PUT.sha256, {"frames": 7})
    assert place.store.read_bytes(put.name) == DATA
    before = place.files()
    assert place.store.put_content("file", "bin", write) == put
    assert place.files() == before


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyError("a fault of the writer")])
def test_a_writer_that_fails_leaves_nothing(place: Place, error: Exception) -> None:
    def write(file: HashedFile) -> dict[str, int]:
        file.write(DATA)
        raise error

    said = f"cannot write {NAME}: No space left on device" if isinstance(error, OSError) else "a fault of the writer"
    with pytest.raises(StoreError if isinstance(error, OSError) else KeyError, match=said):
        place.store.put_written(NAME, write)
    assert place.files() == {}
