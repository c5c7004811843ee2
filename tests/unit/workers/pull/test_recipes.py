"""The recipes are complete, and a wrong name is answered with the nearest ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.catalog import NAME, PULLED, parse
from tasks.errors import InvalidInput
from workers.pull import table
from workers.pull.manifest import is_inside
from workers.pull.place import Place
from workers.pull.recipe import PACKAGES, SOURCES, Recipe
from workers.pull.recipes import JAPANESE, KOKORO, RECIPES, VOICES, recipe_named

SHA256 = re.compile("[0-9a-f]{64}")


def test_the_catalog_knows_which_names_can_be_pulled() -> None:
    assert set(RECIPES) == PULLED


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_a_recipe_is_complete(recipe: Recipe) -> None:
    assert NAME.fullmatch(recipe.name)
    assert recipe.ways
    for way in recipe.ways:
        assert way.source in SOURCES
        assert bool(way.packages) == (way.source == PACKAGES)
        assert all(is_inside(file.path) for file in way.files)
        text = table.text(recipe, way, Place(Path("/models"), recipe.name).target)
        assert parse(text, "here", Path("/"))[recipe.name].path == f"/models/{recipe.name}"


def test_each_file_of_the_packages_way_comes_from_a_package_and_has_its_digest() -> None:
    for way in KOKORO.ways_of(PACKAGES):
        assert {take.to for package in way.packages for take in package.takes} == {file.path for file in way.files}
        assert all(file.bytes and SHA256.fullmatch(file.sha256) for file in way.files)


def test_kokoro_has_54_voices_and_without_npm_the_japanese_ones() -> None:
    whole, japanese = KOKORO.ways_of(PACKAGES)
    assert len(VOICES) == 54
    assert not whole.lacks
    assert {"af_heart", *JAPANESE} <= {file.path[7:-4] for file in whole.files}
    assert "slotline model pull kokoro" in japanese.lacks
    assert all(package.registry == "pypi" for package in japanese.packages)


def test_an_unknown_name_is_answered_with_the_nearest_ones() -> None:
    with pytest.raises(InvalidInput, match="no recipe 'kokro'; did you mean kokoro or kokoro-torch"):
        recipe_named("kokro")
    with pytest.raises(InvalidInput, match=r"no recipe 'gpt'; There are: kokoro, "):
        recipe_named("gpt")
