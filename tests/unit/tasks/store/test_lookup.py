"""An artifact is found by its name in both layouts, and in a store where both were written."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

from tasks.errors import ArtifactMissing, StoreError
from tasks.store import writing
from tasks.store.artifacts import Store, name_of
from tasks.store.lookup import look
from tasks.store.names import Artifact
from tests.unit.tasks.store.conftest import Place

NAME = name_of("speech", "wav", {"text": "xin chào", "voice": "vi", "speed": 1.0})
DATA = bytes(range(256)) * 20
OTHER = b"other bytes, of another run of the model"


def write_as_before(place: Place, data: bytes) -> Artifact:
    """What versions before the single file wrote; these formats are fixed."""
    digest = hashlib.sha256(data).hexdigest()
    stem = NAME.removesuffix(".wav")
    place.fs.makedirs(place.path(stem).rpartition("/")[0], exist_ok=True)
    pointer = json.dumps({"bytes": len(data), "sha256": digest, "details": {"frames": 7}}).encode()
    place.fs.pipe_file(place.path(f"{stem}.{digest[:16]}.wav"), data)
    place.fs.pipe_file(place.path(f"{NAME}.json"), pointer)
    return Artifact(NAME, len(data), digest, {"frames": 7})


def test_a_small_artifact_is_one_file_of_its_name_that_begins_with_its_data(singles: Place) -> None:
    singles.store.put_bytes(NAME, DATA, {"frames": 7})
    assert list(singles.files()) == [NAME]
    assert singles.files()[NAME].startswith(DATA)


def test_the_largest_single_file_and_the_smallest_pair(
    singles: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ONE_FILE_BYTES", 1000)
    source = tmp_path / "source"
    for size, files in ((1000, 1), (1001, 2)):
        source.write_bytes(b"x" * size)
        for way in ("bytes", "file"):
            if way == "bytes":
                singles.store.put_bytes(NAME, b"x" * size)
            else:
                singles.store.put_file(NAME, source)
            assert len(singles.files()) == files
            assert singles.store.read_bytes(NAME) == b"x" * size
            singles.store.delete(NAME)
            assert singles.files() == {}


def test_what_an_earlier_version_wrote_is_found_and_read(singles: Place, tmp_path: Path) -> None:
    written = write_as_before(singles, DATA)
    assert singles.store.find(NAME) == written
    assert singles.store.read_bytes(NAME) == DATA
    assert singles.store.fetch(NAME, tmp_path / "target") == written
    assert (tmp_path / "target").read_bytes() == DATA
    singles.store.delete(NAME)
    assert singles.files() == {}


def test_of_both_layouts_the_single_file_counts_and_without_it_the_pair(singles: Place) -> None:
    pair = write_as_before(singles, OTHER)
    single = singles.store.put_bytes(NAME, DATA)
    assert (singles.store.find(NAME), singles.store.read_bytes(NAME)) == (single, DATA)
    singles.fs.rm_file(singles.path(NAME))
    assert (singles.store.find(NAME), singles.store.read_bytes(NAME)) == (pair, OTHER)


def test_a_pair_that_replaces_a_single_file_is_the_one_that_is_found(
    singles: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    singles.store.put_bytes(NAME, DATA)
    monkeypatch.setattr(writing, "ONE_FILE_BYTES", len(OTHER) - 1)
    pair = singles.store.put_bytes(NAME, OTHER)
    assert (singles.store.find(NAME), singles.store.read_bytes(NAME)) == (pair, OTHER)


def test_a_single_file_that_is_cut_short_leaves_the_pair_to_be_found(singles: Place) -> None:
    pair = write_as_before(singles, OTHER)
    singles.store.put_bytes(NAME, DATA)
    for cut in (1, 100, len(DATA)):
        singles.fs.pipe_file(singles.path(NAME), singles.files()[NAME][:-cut])
        assert (singles.store.find(NAME), singles.store.read_bytes(NAME)) == (pair, OTHER)


def test_details_longer_than_one_look_are_read_all_the_same(singles: Place) -> None:
    details = {"words": ["từ"] * 5000}
    put = singles.store.put_bytes(NAME, DATA, details)
    assert singles.store.find(NAME) == put
    assert put.details == details
    assert singles.store.read_bytes(NAME) == DATA


def test_a_look_at_a_file_of_this_machine_reads_its_end_and_elsewhere_all_in_one_trip(singles: Place) -> None:
    put = singles.store.put_bytes(NAME, DATA)
    found = look(singles.fs, singles.root, NAME)
    assert found is not None
    assert (found.artifact, found.is_single, found.proof) == (put, True, singles.path(NAME))
    is_local = bool(getattr(singles.fs, "local_file", False))
    assert (found.data is None) == is_local
    assert (found.modified_s is None) != is_local


def test_a_folder_in_the_place_of_a_file_is_the_file_systems_error(tmp_path: Path) -> None:
    (tmp_path / "store" / NAME).mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot look for speech/.*: Is a directory"):
        Store(str(tmp_path / "store")).find(NAME)


def test_data_without_a_pointer_is_no_artifact(pairs: Place) -> None:
    put = pairs.store.put_bytes(NAME, DATA)
    pairs.fs.rm_file(pairs.path(put.pointer_name))
    assert pairs.store.find(NAME) is None


def test_a_pointer_whose_data_is_gone_is_no_artifact(pairs: Place, tmp_path: Path) -> None:
    put = pairs.store.put_bytes(NAME, DATA)
    pairs.fs.rm_file(pairs.path(put.data_name))
    assert pairs.store.find(NAME) is None
    with pytest.raises(ArtifactMissing):
        pairs.store.read_bytes(NAME)
    with pytest.raises(ArtifactMissing):
        pairs.store.fetch(NAME, tmp_path / "target")


@pytest.mark.parametrize(
    "pointer",
    [b"", b"{", b'{"bytes": 1', b"[]", b"null", b'"x"', b"\xff\xfe", b'{"bytes": 5120}',
     b'{"bytes": "5120", "sha256": "' + b"a" * 64 + b'", "details": {}}',
     b'{"bytes": 5120, "sha256": "../../../../etc/passwd", "details": {}}',
     b'{"bytes": 5120, "sha256": "' + b"a" * 64 + b'", "details": []}'],
)  # fmt: skip
def test_a_pointer_that_is_cut_short_or_foreign_counts_as_none(pairs: Place, pointer: bytes) -> None:
    put = pairs.store.put_bytes(NAME, DATA)
    pairs.fs.pipe_file(pairs.path(put.pointer_name), pointer)
    assert pairs.store.find(NAME) is None
    with pytest.raises(ArtifactMissing):
        pairs.store.read_bytes(NAME)
    assert pairs.store.put_bytes(NAME, DATA) == pairs.store.find(NAME)


def test_who_read_the_pointer_before_another_pair_was_written_can_still_read_its_data(pairs: Place) -> None:
    first = pairs.store.put_bytes(NAME, b"first")
    pairs.store.put_bytes(NAME, b"second, longer")
    assert pairs.files()[first.data_name] == b"first"


class ObjectStore(AsyncFileSystemWrapper):
    """Files in memory, asked for as those of an object store are; says «no» where a pointer is missing."""

    def __init__(self, fs: Any) -> None:
        super().__init__(fs, asynchronous=False)
        self.asked: list[list[str]] = []

    def cat_ranges(self, paths: list[str], *args: Any, **options: Any) -> list[bytes | Exception]:
        self.asked.append(paths)
        found: list[bytes | Exception] = super().cat_ranges(paths, *args, **options)
        return [PermissionError(13, "Access Denied") if isinstance(one, FileNotFoundError) else one for one in found]


def test_an_object_store_is_asked_once_and_what_it_says_of_a_pointer_that_is_not_needed_does_not_matter() -> None:
    store = Store(f"memory://{secrets.token_hex(8)}/deep")
    put = store.put_bytes(NAME, DATA)
    fs, root = store.opened()
    objects = ObjectStore(fs)
    found = look(objects, root, NAME)
    assert found is not None
    assert (found.artifact, found.data) == (put, DATA)
    assert objects.asked == [[f"{root}/{NAME}", f"{root}/{NAME}.json"]]
    with pytest.raises(PermissionError):
        look(objects, root, name_of("speech", "wav", {"text": "another"}))
