"""A model's files: their digest, and the words for what is broken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import ModelLoadError
from workers.adapters import weights


def test_a_digest_goes_by_name_and_content_and_not_by_place_or_time(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.pt").write_bytes(b"weights")
    here, there = (tmp_path / place / "a.pt" for place in ("here", "there"))
    first = weights.digest([here])
    assert weights.digest([there]) == first
    there.write_bytes(b"weightz")
    assert weights.digest([there]) != first
    assert weights.digest([here.rename(tmp_path / "b.pt")]) != first


@pytest.mark.parametrize("changed", ["first", "middle", "last", "length"])
def test_a_change_throughout_a_large_file_or_at_its_ends_gives_another_digest(tmp_path: Path, changed: str) -> None:
    size = 2 * weights.WHOLE_BYTES
    large = tmp_path / "large.pt"
    large.write_bytes(b"\0" * size)
    before = weights.digest([large])
    content = {
        "first": b"\1" + b"\0" * (size - 1),
        "middle": b"\0" * 1024 + b"\1" * (size - 2048) + b"\0" * 1024,
        "last": b"\0" * (size - 1) + b"\1",
        "length": b"\0" * (size + 1),
    }[changed]
    large.write_bytes(content)
    assert weights.digest([large]) != before


def test_where_every_file_can_be_read_the_loads_own_words_are_given(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    said = weights.blame([tmp_path / "config.json"], ValueError("no\nmodel_type"))
    assert said == f"{tmp_path} cannot be loaded: ValueError: no model_type"


def test_missing_and_empty_files_are_named_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(ModelLoadError, match=r"lacks b, c; get it$"):
        weights.require(tmp_path, ("a", "b", "c"), "here", "get it")
    with pytest.raises(ModelLoadError, match=r"/a is empty; get it$"):
        weights.require(tmp_path, ("a",), "here", "get it")


@pytest.mark.parametrize("how", ["written", "replaced", "removed"])
def test_files_that_change_while_they_are_loaded_are_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"weights")
    with weights.unchanged([path], "here"):
        weights.digest([path])
    changes: dict[str, Callable[[], object]] = {
        "written": lambda: path.write_bytes(b"other weights"),
        "replaced": lambda: Path(shutil.copy2(path, tmp_path / "new")).replace(path),
        "removed": path.unlink,
    }
    with (
        pytest.raises(ModelLoadError, match=r"^here path: .*/a\.pt was changed while it was loaded$"),
        weights.unchanged([path], "here"),
    ):
        changes[how]()


def test_a_mark_changes_when_a_folder_or_a_file_in_it_is_replaced_and_not_when_they_are_read(tmp_path: Path) -> None:
    face, marks = tmp_path / "anna", []
    (face / "checkpoint").mkdir(parents=True)
    (face / "frames").mkdir()
    for number in range(weights.LOOKED_AT + 1):
        (face / "frames" / f"{number}.png").write_bytes(b"picture")
    (face / "checkpoint" / "model.onnx").write_bytes(b"weights")

    def mark() -> str:
        marks.append(weights.mark_of(face))
        return marks[-1]

    first = mark()
    (face / "checkpoint" / "model.onnx").read_bytes()
    assert mark() == first
    (face / "checkpoint" / "model.onnx").write_bytes(b"others!!")
    os.utime(face / "checkpoint" / "model.onnx", ns=(1, 1))
    mark()
    (face / "frames" / "0.png").unlink()
    mark()
    shutil.copytree(face, tmp_path / "other")
    shutil.rmtree(face)
    assert mark() == ""
    (tmp_path / "other").rename(face)
    mark()
    assert len(set(marks)) == 5, marks
    assert weights.mark_of(face / "checkpoint" / "model.onnx")


def test_a_mark_stays_while_something_is_prepared_in_a_hidden_folder_and_changes_when_that_gets_its_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "frames").mkdir()
    first = weights.mark_of(tmp_path)
    (tmp_path / ".prepared.part").mkdir()
    (tmp_path / ".prepared.part" / "0.jpg").write_bytes(b"picture")
    os.utime(tmp_path, ns=(1, 1))
    assert weights.mark_of(tmp_path) == first
    (tmp_path / ".prepared.part").rename(tmp_path / "prepared")
    assert weights.mark_of(tmp_path) != first
