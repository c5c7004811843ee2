"""The hub's ways: the files that the adapters load, and no other form of them."""

from __future__ import annotations

import pytest

from workers.adapters import find
from workers.adapters.bart import files as bart_files
from workers.adapters.viettts import FILES as VIETTTS_FILES
from workers.pull.hub import ways
from workers.pull.hub.choice import chosen
from workers.pull.hub.fetching import repositories
from workers.pull.recipe import Way
from workers.pull.recipes import RECIPES

BART = (
    "README.md config.json flax_model.msgpack generation_config.json merges.txt model.safetensors pytorch_model.bin "
    "rust_model.ot tf_model.h5 tokenizer.json vocab.json"
)


@pytest.mark.parametrize("way", [ways.KOKORO, ways.KOKORO_TORCH, ways.VIETTTS, ways.BART], ids=lambda way: way.repo)
def test_each_is_a_way_of_a_recipe_whose_adapter_there_is(way: Way) -> None:
    (recipe,) = (one for one in RECIPES.values() if way in one.ways)
    assert find(str(recipe.table["adapter"]))


def test_of_bart_one_form_of_the_weights_is_taken() -> None:
    listed = {name: {"bytes": 1, "sha256": "", "git": ""} for name in BART.split()}
    taken = set(chosen(ways.BART, ways.BART.repo, listed))
    assert {*bart_files.FILES, "model.safetensors", "tokenizer.json"} <= taken
    assert not taken & {"pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "rust_model.ot", "README.md"}


def test_of_viettts_the_files_are_those_that_a_load_needs() -> None:
    assert {file.path for file in ways.VIETTTS.files} == set(VIETTTS_FILES)


def test_kokoros_configuration_is_the_original_ones() -> None:
    assert repositories(ways.KOKORO) == ["onnx-community/Kokoro-82M-v1.0-ONNX", "hexgrad/Kokoro-82M"]
    assert repositories(ways.KOKORO_TORCH) == ["hexgrad/Kokoro-82M"]
