"""The frames of a face are found under every naming, in the order of their numbers, or what is wrong is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.workers.adapters.lipsync.face_folders import face_folder, png
from workers.adapters.lipsync.frames.files import find_frames, numbered_pictures


@pytest.mark.parametrize(
    "name",
    [
        "frames/frame_{:04d}.png",
        "frames/frame_{}.png",
        "frames/frame_{:06d}.jpg",
        "frames/frame_{:04d}.jpeg",
        "frames/{}.png",
        "frames/{}.JPG",
        "full_body_img/{}.jpg",
    ],
)
def test_every_naming_is_sorted_by_number(name: str, tmp_path: Path) -> None:
    face_folder(tmp_path, frames=12, name=name)
    found = find_frames(tmp_path)
    assert [path.name for path in found.files] == [Path(name.format(number)).name for number in range(12)]
    assert found.size == (96, 64)
    assert found.place == (tmp_path / name).parent


def test_frames_come_before_the_training_pictures_and_another_place_can_be_named(tmp_path: Path) -> None:
    face_folder(tmp_path, name="full_body_img/{}.jpg")
    face_folder(tmp_path, name="frames/{}.png")
    face_folder(tmp_path, name="other/{}.png")
    assert find_frames(tmp_path).place.name == "frames"
    assert find_frames(tmp_path, "other").place.name == "other"
    shutil.rmtree(tmp_path / "frames")
    assert find_frames(tmp_path).place.name == "full_body_img"


def test_pictures_may_be_numbered_from_any_number_on(tmp_path: Path) -> None:
    face_folder(tmp_path, frames=3, name="frames/{}.png", first=7)
    assert [number for number, _ in numbered_pictures(tmp_path / "frames")] == [7, 8, 9]


def test_other_files_between_them_are_left_alone(tmp_path: Path) -> None:
    face_folder(tmp_path, frames=3)
    for name in ("notes.txt", "thumb.png", ".DS_Store", "frame_0001.png.tmp"):
        (tmp_path / "frames" / name).write_text("x")
    assert len(find_frames(tmp_path).files) == 3


def test_a_folder_without_frames_says_where_they_were_looked_for(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    with pytest.raises(ValueError, match=r"has no frames \(PNG or JPEG, such as frame_0000.png\) in frames, full_body"):
        find_frames(tmp_path)
    with pytest.raises(ValueError, match="in other$"):
        find_frames(tmp_path, "other")


def test_missing_double_and_unequal_frames_are_named(tmp_path: Path) -> None:
    frames = face_folder(tmp_path) / "frames"
    png(frames / "3.png")
    with pytest.raises(ValueError, match=r"frame 3 is there twice: 3.png and frame_0003.png"):
        find_frames(tmp_path)
    for name in ("3.png", "frame_0003.png"):
        (frames / name).unlink()
    with pytest.raises(ValueError, match="frame 3 is missing; there are 0 to 4"):
        find_frames(tmp_path)
    png(frames / "3.png", (98, 64))
    with pytest.raises(ValueError, match=r"3.png: has 98×64 pixels, but frame_0000.png has 96×64; all frames"):
        find_frames(tmp_path)
    (frames / "3.png").write_text("text")
    with pytest.raises(ValueError, match=r"3.png: is no PNG and no JPEG"):
        find_frames(tmp_path)


def test_a_digest_tells_whether_the_frames_are_the_same(tmp_path: Path) -> None:
    first = face_folder(tmp_path / "a")
    shutil.copytree(first, tmp_path / "b")
    digest = find_frames(first).digest()
    assert find_frames(tmp_path / "b").digest() == digest
    png(tmp_path / "b" / "frames" / "frame_0004.png", level=99)
    assert find_frames(tmp_path / "b").digest() != digest
    assert find_frames(first).bytes() == sum(path.stat().st_size for path in (first / "frames").iterdir())
