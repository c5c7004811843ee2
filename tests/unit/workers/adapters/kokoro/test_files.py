"""Which files a model's folder must have, and what is said where it has not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.errors import ModelLoadError
from tests.unit.workers.adapters.kokoro.tiny_onnx import VOCABULARY, write_config
from workers.adapters.kokoro import files

PLACE = "models.toml line 1: [models.kokoro]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    (tmp_path / "kokoro-v1_0.pth").write_bytes(b"weights")
    write_config(tmp_path)
    return tmp_path


def find(folder: Path, engine: str = "onnx", file: str = "") -> files.ModelFiles:
    return files.find(folder, engine, file, PLACE)


def test_each_engine_takes_the_one_file_of_its_kind(folder: Path) -> None:
    assert find(folder).both == (folder / "model.onnx", folder / "config.json")
    assert find(folder, "torch").weights.name == "kokoro-v1_0.pth"
    assert find(folder).vocabulary == VOCABULARY


def test_of_several_files_the_table_names_one(folder: Path) -> None:
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model_fp16.onnx").write_bytes(b"weights")
    assert find(folder, file="onnx/model_fp16.onnx").weights == folder / "onnx" / "model_fp16.onnx"
    (folder / "other.onnx").write_bytes(b"weights")
    with pytest.raises(ModelLoadError, match=r"file: .* has model\.onnx, other\.onnx; name the one .* `file`"):
        find(folder)


@pytest.mark.parametrize(("engine", "name"), [("onnx", "model.onnx"), ("torch", "kokoro-v1_0.pth")])
def test_a_missing_file_is_named_with_the_command_that_fetches_it(folder: Path, engine: str, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelLoadError, match=rf"^{PLACE.replace('[', '.')[:20]}.*lacks {name}; .*model pull kokoro"):
        find(folder, engine)
    command = files.get_them(engine)
    assert command.endswith("pull kokoro-torch" if engine == "torch" else "pull kokoro")
    with pytest.raises(ModelLoadError, match="there is no folder .*/nowhere; get it with: slotline model pull kokoro"):
        find(folder / "nowhere")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is not Kokoro's config.json: Expecting"),
        ("[]", "is not Kokoro's"),
        ("{}", "has no `vocab`"),
        (json.dumps({"vocab": {"a": 1, "b": 1}}), "an id of its own"),
        (json.dumps({"vocab": {"ab": 1}}), "an id of its own"),
        ("", "is empty"),
    ],
)
def test_a_configuration_that_is_not_kokoros_is_refused_in_one_line(folder: Path, content: str, why: str) -> None:
    (folder / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelLoadError, match=rf"path: .*config\.json .*{why}") as caught:
        find(folder)
    assert "\n" not in str(caught.value)
