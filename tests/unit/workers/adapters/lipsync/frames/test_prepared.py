"""What was prepared is used if it is whole and of the frames that are there; else the frames themselves are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.workers.adapters.lipsync.face_folders import SIZE, face_folder, png
from workers.adapters.lipsync.folder import FaceFolder
from workers.adapters.lipsync.frames.files import find_frames
from workers.adapters.lipsync.frames.prepared import About, frames_in, is_same, read_about, usable


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A face whose frames were prepared, as PNG for once: so no other package is needed."""
    made = face_folder(tmp_path / "anna")
    names = [f"{number:06d}.png" for number in range(5)]
    for number, name in enumerate(names):
        png(made / "prepared" / name, level=100 + number)
    of = find_frames(made).digest()
    about = About("png", names, *SIZE, frames_in(made / "prepared", names, "png", SIZE).digest(), "frames", of)
    about.write(made / "prepared")
    return made


def is_used(face: Path, source: str | None = None) -> bool:
    return FaceFolder.find(face, source=source).frames.place.name == "prepared"


def test_what_was_prepared_is_read_instead_of_the_frames(face: Path) -> None:
    assert is_used(face)
    assert is_used(face, "frames")
    assert is_used(face, "./frames")
    assert FaceFolder.find(face, use_prepared=False).frames.place.name == "frames"
    assert read_about(face) == About(**json.loads((face / "prepared" / "about.json").read_text()))


def test_a_prepared_face_is_another_revision_than_its_originals(face: Path) -> None:
    assert FaceFolder.find(face).digest() != FaceFolder.find(face, use_prepared=False).digest()


def test_a_face_that_is_prepared_again_of_other_frames_is_another_revision(face: Path) -> None:
    before = FaceFolder.find(face).digest()
    about = read_about(face)
    assert about is not None
    replace(about, of_digest="others", of="away").write(face / "prepared")  # its own files look the same, as BMP do
    assert is_used(face)
    assert FaceFolder.find(face).digest() != before


def test_it_is_not_used_for_other_frames_than_those_it_was_made_of(
    face: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        png(face / "other" / f"{number}.png")
    assert not is_used(face, "other")
    assert not caplog.messages
    png(face / "frames" / "frame_0002.png", level=77)
    assert not is_used(face)
    assert "made of other frames than those in frames; the frames are read as they are: run slotline" in caplog.text


def test_it_takes_the_place_of_frames_that_are_gone(face: Path) -> None:
    shutil.rmtree(face / "frames")
    assert is_used(face)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "000003.png").unlink(), "000003.png is missing"),
        (lambda folder: (folder / "000003.png").write_bytes(b""), "its files have changed"),
        (lambda folder: (folder / "about.json").write_text("{"), "about.json: cannot be read"),
        (lambda folder: (folder / "about.json").write_text("{}"), "about.json: cannot be read"),
    ],
)
def test_it_is_not_used_when_it_is_damaged(
    face: Path, harm: object, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(harm)
    harm(face / "prepared")
    assert not is_used(face)
    assert said in caplog.text


def test_a_later_version_of_it_is_not_used(face: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = face / "prepared" / "about.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version": 2}))
    assert usable(face) is None
    assert "is of another version of slotline" in caplog.text


def test_a_face_that_was_never_prepared_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert usable(face_folder(tmp_path)) is None
    assert not caplog.messages


def test_places_are_the_same_whichever_way_they_are_written() -> None:
    assert is_same(Path("a/./b"), Path("a/c/../b"))
    assert not is_same(Path("a/b"), Path("a/c"))
