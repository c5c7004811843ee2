"""The frames of a face are prepared once, whole or not at all, beside the originals."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import InvalidInput, MissingExtra, ModelError, SettingsError
from tests.unit.workers.adapters.lipsync.face_folders import face_folder, png
from workers.adapters.lipsync.folder import FaceFolder
from workers.adapters.lipsync.frames import conversion
from workers.adapters.lipsync.frames.conversion import Report, forms_for, prepare
from workers.adapters.lipsync.frames.forms import FilmForm

pytestmark = pytest.mark.usefixtures("model_packages")


def no_step() -> None:
    return None


def prepared(face: Path, wanted: str | None = "jpg", step: Any = no_step) -> Report:
    return prepare(FaceFolder.find(face, use_prepared=False), wanted, 95, step)


def listing(face: Path) -> dict[str, bytes]:
    return {str(path.relative_to(face)): path.read_bytes() for path in sorted(face.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(("wanted", "files"), [("jpg", 5), ("bmp", 5), ("film", 1)])
def test_frames_are_written_beside_the_originals_and_used_from_then_on(wanted: str, files: int, tmp_path: Path) -> None:
    face = face_folder(tmp_path / "anna")
    before = listing(face)
    report = prepared(face, wanted)
    after = listing(face)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("prepared/") for name in after.keys() - before.keys())
    assert (report.frames, report.size) == (5, (96, 64))
    assert [cost.form for cost in report.costs] == ["as it is (.png)", wanted]
    assert report.chosen == report.costs[1]
    found = FaceFolder.find(face)
    assert len(found.frames.files) == files
    assert found.frames.bytes() == report.bytes
    source, size = found.opened()
    assert (source.count, size) == (5, (96, 64))
    assert abs(float(source.read(3).mean()) - 30) < 3
    source.close()


def test_a_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    face = face_folder(tmp_path)
    prepared(face)
    before = listing(face)
    for wanted in ("jpg", None):
        assert prepared(face, wanted) == Report(5, (96, 64))
    assert listing(face) == before


def test_changed_frames_and_another_form_are_prepared_anew(tmp_path: Path) -> None:
    face = face_folder(tmp_path)
    prepared(face)
    png(face / "frames" / "frame_0001.png", level=222)
    assert prepared(face).chosen
    assert FaceFolder.find(face).frames.place.name == "prepared"
    assert prepared(face, "bmp").chosen
    assert {path.suffix for path in (face / "prepared").iterdir()} == {".bmp", ".json"}


def test_without_a_wish_the_fastest_form_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    face = face_folder(tmp_path)
    times = iter([0.010, 0.004, 0.003])
    monkeypatch.setattr(conversion, "decode_s", lambda source, numbers: next(times))
    report = prepared(face, None)
    assert [cost.form for cost in report.costs] == ["as it is (.png)", "jpg", "film"]
    assert report.chosen == report.costs[2]


def test_nothing_is_written_where_no_form_is_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    face = face_folder(tmp_path)
    before = listing(face)
    times = iter([0.0031, 0.004, 0.003])
    monkeypatch.setattr(conversion, "decode_s", lambda source, numbers: next(times))
    report = prepared(face, None)
    assert report.chosen is None
    assert len(report.costs) == 3
    assert listing(face) == before


def test_without_pyav_the_choice_has_no_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> list[str]:
        raise MissingExtra("film: PyAV cannot be imported; run: pip install 'slotline[av]'")

    monkeypatch.setattr(FilmForm, "write", missing)
    times = iter([0.010, 0.004, 0.010])
    monkeypatch.setattr(conversion, "decode_s", lambda source, numbers: next(times))
    face = face_folder(tmp_path)
    assert [cost.form for cost in prepared(face, None).costs] == ["as it is (.png)", "jpg"]
    with pytest.raises(MissingExtra, match="PyAV cannot be imported"):
        prepared(face, "film")


def test_a_film_is_no_form_of_frames_with_odd_sides() -> None:
    assert [form.name for form in forms_for((97, 64), None, 95)] == ["jpg"]
    with pytest.raises(InvalidInput, match="a film has even sides, but these frames have 97×64"):
        forms_for((97, 64), "film", 95)


def test_what_is_stopped_or_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    face = face_folder(tmp_path, 40)
    before = listing(face)
    steps: list[int] = []

    def stop_at_the_end() -> None:
        steps.append(1)
        if len(steps) == 40 + 39:  # the sample, and all frames but one
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(face, step=stop_at_the_end)
    assert listing(face) == before
    assert not (face / conversion.WORK).exists()
    file = face / "frames" / "frame_0039.png"
    file.write_bytes(file.read_bytes()[:60] + b"IEND\xaeB`\x82")
    with pytest.raises(ModelError, match="frame_0039.png: is damaged"):
        prepared(face)
    assert not (face / "prepared").exists()


def test_what_a_killed_process_has_left_is_removed(tmp_path: Path) -> None:
    face = face_folder(tmp_path)
    (face / conversion.WORK / "sample").mkdir(parents=True)
    (face / conversion.WORK / "000000.jpg").write_text("half")
    assert prepared(face).chosen
    assert not (face / conversion.WORK).exists()


def test_one_process_prepares_a_face_at_a_time(tmp_path: Path) -> None:
    face = face_folder(tmp_path)
    other = os.open(face, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        with pytest.raises(SettingsError, match="another process prepares it now"):
            prepared(face)
    finally:
        os.close(other)
    assert prepared(face).chosen


def test_a_full_disk_and_a_place_that_cannot_be_written_to_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = face_folder(tmp_path / "anna")
    usage = shutil.disk_usage(face)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=10))
        with pytest.raises(SettingsError, match="needs 0 MB for its frames, but only 0 MB are free"):
            prepared(face)
    (face / conversion.WORK).write_text("a file where a folder must be")
    with pytest.raises(SettingsError, match=r"\.prepared\.part: cannot be written"):
        prepared(face)
