"""What each craft says of itself, by which the rest of slotline knows it."""

from __future__ import annotations

import re

import pytest

from tasks.catalog import ModelEntry
from tasks.messages.craft import Craft
from tasks.messages.lookup import crafts
from tasks.messages.speech import SPEECH
from tasks.store.names import checked_name

EACH = pytest.mark.parametrize("craft", crafts().values(), ids=list(crafts()))


@EACH
def test_a_crafts_name_can_be_the_first_folder_of_an_artifacts_name(craft: Craft) -> None:
    assert re.fullmatch("[a-z]+", craft.name)
    assert checked_name(f"{craft.name}/ab/abc.wav")


@EACH
def test_no_other_craft_has_its_task_or_its_words(craft: Craft) -> None:
    others = [one for one in crafts().values() if one is not craft]
    assert craft.request.task not in {one.request.task for one in others}
    assert craft.refusal not in {one.refusal for one in others}


@EACH
def test_a_table_of_another_packages_adapter_is_not_known_to_be_of_any_craft(craft: Craft) -> None:
    assert not craft.is_known_of(ModelEntry(name="m", adapter="theirs"))


def test_a_craft_that_gives_no_hint_knows_no_table() -> None:
    class Film(Craft):
        name = "film"
        request = SPEECH.request
        refusal = "does not film"

    assert not Film().is_known_of(ModelEntry(name="m", adapter="espeak"))
