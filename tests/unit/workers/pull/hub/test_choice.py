"""Which files of a repository are taken."""

from __future__ import annotations

import pytest

from tasks.errors import PullFailed, SourceUnavailable
from workers.pull.hub.choice import chosen
from workers.pull.recipe import HUB, RecipeFile, Way

KNOWN = {"bytes": 3, "sha256": "1" * 64, "git": ""}


def way(*files: RecipeFile, patterns: tuple[str, ...] = ()) -> Way:
    return Way(source=HUB, repo="a/b", files=files, patterns=patterns, download_bytes=0)


def listed(*names: str) -> dict[str, dict[str, object]]:
    return dict.fromkeys(names, KNOWN)


def taken(way: Way, *names: str, repo: str = "a/b") -> dict[str, str]:
    return {path: file.origin for path, file in chosen(way, repo, listed(*names)).items()}


def test_a_file_is_taken_to_its_path_and_a_pattern_takes_what_it_matches() -> None:
    wanted = way(RecipeFile("model.onnx", origin="onnx/model.onnx"), patterns=("voices/*.bin",))
    found = taken(wanted, "onnx/model.onnx", "onnx/model_fp16.onnx", "voices/b.bin", "voices/a.bin", "voices/a.pt")
    assert found == {"model.onnx": "onnx/model.onnx", "voices/a.bin": "voices/a.bin", "voices/b.bin": "voices/b.bin"}
    with pytest.raises(SourceUnavailable, match="a/b has no file onnx/model.onnx"):
        taken(wanted, "model.onnx")


def test_of_a_choice_the_first_that_is_there_is_taken_alone() -> None:
    wanted = way(patterns=("model.safetensors|pytorch_model.bin",))
    assert taken(wanted, "pytorch_model.bin", "model.safetensors") == {"model.safetensors": "model.safetensors"}
    assert taken(wanted, "pytorch_model.bin") == {"pytorch_model.bin": "pytorch_model.bin"}
    with pytest.raises(SourceUnavailable, match="has none of the files model.safetensors, pytorch_model.bin"):
        taken(wanted, "tf_model.h5")


def test_a_file_of_another_repository_is_taken_from_there_alone() -> None:
    wanted = way(RecipeFile("config.json", origin="c/d:config.json"), patterns=("*.json",))
    assert taken(wanted, "other.json") == {"other.json": "other.json"}
    assert taken(wanted, "config.json", "other.json", repo="c/d") == {"config.json": "config.json"}


def test_a_file_that_is_not_the_recipes_is_refused_before_it_is_fetched() -> None:
    assert chosen(way(RecipeFile("x", sha256="1" * 64)), "a/b", listed("x"))["x"].sha256 == "1" * 64
    with pytest.raises(PullFailed, match="x: a/b has a file with SHA-256 1111.*, expected 2222"):
        chosen(way(RecipeFile("x", sha256="2" * 64)), "a/b", listed("x"))
