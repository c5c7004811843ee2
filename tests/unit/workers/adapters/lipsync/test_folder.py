"""The face folders of the replaced server are taken as they lie; what cannot be shown is refused with the reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tasks.errors import ModelLoadError
from tests.unit.workers.adapters.lipsync.face_folders import SIZE, face_folder, png, points, rectangle
from workers.adapters.lipsync.folder import FaceFolder


def refusal(folder: Path) -> str:
    with pytest.raises(ModelLoadError) as raised:
        FaceFolder.find(folder, "models.toml: [models.faces]")
    said = str(raised.value)
    assert said.startswith("models.toml: [models.faces] path: ")
    assert "\n" not in said
    return said


def test_a_folder_has_a_network_rectangles_and_frames(tmp_path: Path) -> None:
    found = FaceFolder.find(face_folder(tmp_path))
    assert found.network == tmp_path / "checkpoint" / "model_best.onnx"
    assert len(found.rectangles.all) == len(found.frames.files) == 5
    source, size = found.opened()
    assert (source.count, size) == (5, SIZE)


def test_rectangles_are_taken_from_points_where_no_file_has_them(tmp_path: Path) -> None:
    (face_folder(tmp_path) / "crop_rects.json").unlink()
    for number in range(5):
        points(tmp_path / "landmarks" / f"{number}.lms", rectangle(number))
    assert [one.left for one in FaceFolder.find(tmp_path).rectangles.all] == [10, 11, 12, 13, 14]


def test_the_package_may_name_another_network_but_none_outside_of_the_folder(tmp_path: Path) -> None:
    package = face_folder(tmp_path) / "package_info.json"
    package.write_text(json.dumps({"dataset_name": "a"}))
    assert FaceFolder.find(tmp_path).network.name == "model_best.onnx"
    package.write_text(json.dumps({"onnx": {"file": "other/model.onnx"}}))
    assert FaceFolder.find(tmp_path).network == tmp_path / "other" / "model.onnx"
    package.write_text(json.dumps({"onnx": {"file": "../model.onnx"}}))
    assert "onnx.file: '../model.onnx' is not in the folder of the face" in refusal(tmp_path)
    for text in ("{", "[]", '{"onnx": {"file": 3}}'):
        package.write_text(text)
        assert "package_info.json: cannot be read" in refusal(tmp_path)


def test_a_missing_folder_and_missing_rectangles_are_named(tmp_path: Path) -> None:
    assert f"there is no folder {tmp_path / 'x'}" in refusal(tmp_path / "x")
    (face_folder(tmp_path) / "crop_rects.json").unlink()
    assert "has no rectangles of the face" in refusal(tmp_path)


def test_unequal_counts_are_named_with_both_numbers(tmp_path: Path) -> None:
    face_folder(tmp_path, rectangles=[rectangle(number) for number in range(4)])
    assert "frames: has 5 frames, but" in (said := refusal(tmp_path))
    assert said.endswith("crop_rects.json has 4 rectangles")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([60, 5, 100, 45], "frame 3: the rectangle [60, 5, 100, 45] leaves the frame of 96×64 pixels"),
        ([10, 5, 50, 46], "frame 3: the rectangle [10, 5, 50, 46] is not square: 40×41"),
    ],
)
def test_a_rectangle_that_does_not_fit_is_named(wrong: list[int], said: str, tmp_path: Path) -> None:
    rows = [rectangle(number) for number in range(5)]
    rows[3] = wrong
    face_folder(tmp_path, rectangles=rows)
    assert said in refusal(tmp_path)


def test_missing_frames_are_named(tmp_path: Path) -> None:
    (face_folder(tmp_path) / "frames" / "frame_0002.png").unlink()
    assert "frame 2 is missing" in refusal(tmp_path)
    shutil.rmtree(tmp_path / "frames")
    assert "has no frames" in refusal(tmp_path)


def test_pictures_of_parsing_are_as_many_and_as_large_as_the_frames(tmp_path: Path) -> None:
    face_folder(tmp_path)
    for number in range(5):
        png(tmp_path / "parsing" / f"{number}.png")
    assert len(FaceFolder.find(tmp_path).parsing) == 5
    png(tmp_path / "parsing" / "4.png", (10, 10))
    assert "4.png: has 10×10 pixels, but the frames have 96×64" in refusal(tmp_path)
    (tmp_path / "parsing" / "4.png").unlink()
    assert "parsing: has 4 pictures, but the face has 5 frames" in refusal(tmp_path)


def test_a_digest_tells_whether_frames_and_rectangles_are_the_same(tmp_path: Path) -> None:
    first = FaceFolder.find(face_folder(tmp_path / "a"))
    shutil.copytree(first.path, tmp_path / "b")
    assert FaceFolder.find(tmp_path / "b").digest() == first.digest()
    (tmp_path / "b" / "crop_rects.json").write_text(json.dumps([rectangle(number + 1) for number in range(5)]))
    assert FaceFolder.find(tmp_path / "b").digest() != first.digest()
