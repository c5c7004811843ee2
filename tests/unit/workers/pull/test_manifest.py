"""The manifest is read as it was written, and nothing in it leads out of the model's folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.pull import tiny
from workers.pull import manifest
from workers.pull.manifest import FileRecord, Manifest, is_inside


def made(**files: bytes) -> Manifest:
    records = {path: FileRecord(bytes=len(content), sha256=tiny.sha256(content)) for path, content in files.items()}
    return Manifest(recipe="tiny", source="packages", licence="MIT", files=records)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    whole = made(one=b"1", two=b"22")
    (tmp_path / manifest.NAME).write_text(whole.model_dump_json())
    assert manifest.read(tmp_path) == whole
    assert whole.bytes == 3


def test_what_a_model_lacks_can_be_given_to_a_shell() -> None:
    lacking = made(one=b"1").model_copy(update={"lacks": "run tar -C {folder} and keep {this}"})
    assert lacking.lacks_in(Path("/my models/tiny")) == "run tar -C '/my models/tiny' and keep {this}"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"recipe": "x"}', "\0\1"])
def test_one_that_cannot_be_read_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / manifest.NAME).write_text(content)
    assert manifest.read(tmp_path) is None
    assert manifest.read(tmp_path / "absent") is None


def test_one_that_names_a_file_outside_is_none(tmp_path: Path) -> None:
    document = json.loads(made(one=b"1").model_dump_json())
    document["files"]["../one"] = document["files"]["one"]
    (tmp_path / manifest.NAME).write_text(json.dumps(document))
    assert manifest.read(tmp_path) is None


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a\\b", "C:x", "a/\0", "//x"])
def test_a_path_that_could_lead_out_is_not_inside(name: str) -> None:
    assert not is_inside(name)


@pytest.mark.parametrize("name", ["model.onnx", "voices/af_heart.bin", "onnx/a b/ü.bin"])
def test_a_plain_path_is_inside(name: str) -> None:
    assert is_inside(name)
