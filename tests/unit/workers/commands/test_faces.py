"""`slotline faces prepare`: one face or a folder of them; what is wrong is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tasks.errors import InvalidInput, ModelLoadError, SlotlineError
from tests.unit.workers.adapters.lipsync.face_folders import face_folder
from workers.adapters.lipsync.frames.conversion import Cost, Report
from workers.commands.faces import faces, faces_in, words


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit status, stdout and stderr; the errors of slotline are raised, as `slotline` gets them."""
    done = CliRunner().invoke(faces, ["prepare", *map(str, arguments)], standalone_mode=False)
    if isinstance(done.exception, SlotlineError):
        raise done.exception
    assert done.exception is None, done.exception
    return done.return_value, done.stdout, done.stderr


def test_a_face_folder_or_a_folder_of_them_is_meant(tmp_path: Path) -> None:
    anna = face_folder(tmp_path / "faces" / "anna")
    bert = face_folder(tmp_path / "faces" / "bert")
    (bert / "crop_rects.json").unlink()
    (bert / "landmarks").mkdir()
    (tmp_path / "faces" / "other").mkdir()
    assert faces_in(anna) == [anna]
    assert faces_in(tmp_path / "faces") == [anna, bert]


def test_a_folder_without_faces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="DIR: there is no folder"):
        faces_in(tmp_path / "nothing")
    with pytest.raises(InvalidInput, match="is no face folder, and has none in it"):
        faces_in(tmp_path)


def test_what_was_done_is_one_line() -> None:
    costs = [Cost("as it is (.png)", 0.011, 1_100_000), Cost("jpg", 0.0044, 155_000), Cost("film", 0.005, 30_000)]
    assert words("anna", Report(523, (1280, 720), costs, costs[1], 81_000_000)) == (
        "anna: 523 frames of 1280×720: as it is (.png) 11.0 ms and 1,100 kB a frame -> JPEG 4.4 ms and 155 kB a frame, "
        "2.5 times as fast, 81.0 MB (not taken: H.264 5.0 ms and 30 kB a frame)"
    )
    assert words("anna", Report(523, (1280, 720), costs)).startswith(
        "anna: 523 frames of 1280×720: nothing decodes faster than as it is (.png) 11.0 ms"
    )
    assert words("anna", Report(5, (96, 64))) == "anna: 5 frames of 96×64: prepared already, nothing to do"
    assert words("anna", Report(1, (96, 64))) == "anna: 1 frame of 96×64: prepared already, nothing to do"


def test_a_face_is_prepared_once(tmp_path: Path, model_packages: None) -> None:
    face = face_folder(tmp_path / "anna")
    status, said, _ = run(face, "--format", "jpg")
    assert status == 0
    assert said.startswith("anna: 5 frames of 96×64: as it is (.png)")
    assert (face / "prepared" / "about.json").exists()
    assert run(face) == (0, "anna: 5 frames of 96×64: prepared already, nothing to do\n", "")


def test_of_many_faces_a_broken_one_does_not_stop_the_others(tmp_path: Path, model_packages: None) -> None:
    for name in ("anna", "bert", "carl"):
        face_folder(tmp_path / name)
    (tmp_path / "bert" / "frames" / "frame_0002.png").unlink()
    status, said, wrong = run(tmp_path, "--format", "jpg")
    assert status == 1
    assert [line.partition(":")[0] for line in said.splitlines()] == ["anna", "carl"]
    assert wrong.startswith("slotline: bert: ")
    assert "frame 2 is missing" in wrong
    with pytest.raises(ModelLoadError, match="frame 2 is missing"):
        run(tmp_path / "bert")


def test_frames_at_another_place_are_named(tmp_path: Path, model_packages: None) -> None:
    face = face_folder(tmp_path / "anna", name="elsewhere/{}.png")
    with pytest.raises(ModelLoadError, match="has no frames"):
        run(face)
    assert run(face, "--source", "elsewhere", "--format", "bmp")[0] == 0
