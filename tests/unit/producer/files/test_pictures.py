"""The pictures of a film, from archives in the store to files of a folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from producer.files.pictures import unpack
from tasks.errors import ArtifactMissing, StoreError
from tasks.store.artifacts import Store


def archive(store: Store, name: str, files: Mapping[str, bytes]) -> str:
    """An archive in the store with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for file, data in files.items():
            made.writestr(file, data)
    store.put_bytes(name, out.getvalue())
    return name


def test_the_pictures_of_an_archive_become_files_and_those_that_are_there_stay(store: Store, tmp_path: Path) -> None:
    files = {"frame_000025.jpg": b"one", "frame_000026.jpg": b"two", "frame_000027.jpg": b"six"}
    name = archive(store, "stretch/ab/a.zip", files)
    (tmp_path / "frame_000025.jpg").write_bytes(b"one")
    before = (tmp_path / "frame_000025.jpg").stat()
    (tmp_path / "frame_000026.jpg").write_bytes(b"tw0")  # as long, and another
    assert unpack(store, name, tmp_path) == [tmp_path / file for file in files]
    assert {file: (tmp_path / file).read_bytes() for file in files} == files
    assert (tmp_path / "frame_000025.jpg").stat().st_ino == before.st_ino
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "file", ["../frame_000001.jpg", "/tmp/frame_000001.jpg", "frame_000001.py", "frame_1.jpg", "a/"]
)
def test_a_name_that_no_picture_has_is_refused_and_nothing_is_written(store: Store, tmp_path: Path, file: str) -> None:
    name = archive(store, "stretch/ab/a.zip", {file: b"x"})
    (tmp_path / "out").mkdir()
    with pytest.raises(StoreError, match="artifact stretch/ab/a.zip is no archive of pictures"):
        unpack(store, name, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_what_is_no_archive_or_not_there_is_named(store: Store, tmp_path: Path) -> None:
    store.put_bytes("stretch/ab/b.zip", b"no zip")
    with pytest.raises(StoreError, match="artifact stretch/ab/b.zip is no archive of pictures: "):
        unpack(store, "stretch/ab/b.zip", tmp_path)
    with pytest.raises(ArtifactMissing):
        unpack(store, "stretch/ab/c.zip", tmp_path)


def test_a_picture_that_cannot_be_written_is_named(store: Store, tmp_path: Path) -> None:
    name = archive(store, "stretch/ab/a.zip", {"frame_000001.png": b"one"})
    (tmp_path / "frame_000001.png").mkdir()
    with pytest.raises(StoreError, match="frame_000001.png cannot be written: Is a directory"):
        unpack(store, name, tmp_path)
