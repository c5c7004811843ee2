"""Which models a folder holds: by the pattern of the table's path, and no way to any other place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import CatalogError, InvalidInput, UnknownFace, UnknownVoice
from tests.unit.workers.child.rehearsals import entry
from workers.child.models.folder import ModelFolder, check_preload


def folder(path: str) -> ModelFolder:
    return ModelFolder(entry(path=path))


def test_the_names_are_what_stands_for_the_id_in_files_and_folders(tmp_path: Path) -> None:
    for name in ("voice-anna.onnx", "voice-bert.onnx", "voice-.onnx", "voice-c..d.onnx", "readme.txt"):
        (tmp_path / name).touch()
    assert folder(f"{tmp_path}/voice-{{id}}.onnx").names() == ["anna", "bert"]
    assert folder(f"{tmp_path}/gone/{{id}}").names() == []


def test_where_the_path_goes_on_below_the_id_only_what_has_it_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "bert").mkdir()
    (tmp_path / "anna" / "weights.bin").touch()
    assert folder(f"{tmp_path}/{{id}}/weights.bin").names() == ["anna"]


def test_what_lies_beside_the_faces_is_no_face(tmp_path: Path) -> None:
    (tmp_path / "audio_encoder.onnx").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "anna" / "checkpoint").mkdir(parents=True)
    faces = ModelFolder(entry(adapter="lipsync", path=f"{tmp_path}/{{id}}"), "face")
    assert faces.names() == ["anna"]
    with pytest.raises(UnknownFace, match="has no face 'audio_encoder.onnx'; it has anna$"):
        faces.table("audio_encoder.onnx")
    (tmp_path / "ben" / "frames").mkdir(parents=True)  # one that comes later, and is not whole yet
    assert faces.names() == ["anna", "ben"]
    assert faces.table("ben").voice == "ben"


def test_a_models_table_has_its_path_and_its_id_as_the_voice(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    table = folder(f"{tmp_path}/{{id}}").table("anna")
    assert (table.path, table.voice) == (str(tmp_path / "anna"), "anna")


def test_its_errors_name_what_a_request_calls_it(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    faces = ModelFolder(entry(path=f"{tmp_path}/{{id}}"), "face")
    with pytest.raises(UnknownFace, match="^face: model has no face 'berta'; it has anna$"):
        faces.table("berta")
    with pytest.raises(InvalidInput, match=r"^face: '../etc' is not a face of model"):
        faces.table("../etc")


@pytest.mark.parametrize("gives", ["sound", "film"])
def test_a_start_with_a_model_to_preload_that_does_not_exist_names_it(tmp_path: Path, gives: str) -> None:
    (tmp_path / "anna").mkdir()
    table = {"path": f"{tmp_path}/{{id}}", "options": {"gives": gives}, "place": "models.toml line 1: [models.model]"}
    check_preload(entry(**table, preload=["anna"]), "cpu")
    what = {"sound": "voice", "film": "face"}[gives]
    fault = rf"line 1: \[models.model\] preload: {what}: model has no {what} 'berta'; it has anna$"
    with pytest.raises(CatalogError, match=fault):
        check_preload(entry(**table, preload=["anna", "berta"]), "cpu")
    gone = {**table, "path": f"{tmp_path}/gone/{{id}}"}
    check_preload(entry(**gone, preload=["anna"]), "cpu")


@pytest.mark.parametrize(("name", "error"), [("../etc", InvalidInput), ("", InvalidInput), ("berta", UnknownVoice)])
def test_what_is_no_name_and_what_is_not_there_are_refused(tmp_path: Path, name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="^voice: "):
        folder(f"{tmp_path}/{{id}}").table(name)


def test_the_size_is_that_of_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "anna" / "deep").mkdir(parents=True)
    (tmp_path / "anna" / "one").write_bytes(b"x" * 10)
    (tmp_path / "anna" / "deep" / "two").write_bytes(b"x" * 5)
    (tmp_path / "bert").write_bytes(b"x" * 3)
    models = folder(f"{tmp_path}/{{id}}")
    assert [models.size_bytes(name) for name in ("anna", "bert", "gone")] == [15, 3, 0]
