"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.commands.options import DEFAULT_MODEL, local_slots, only_model
from tasks.catalog import catalog
from tasks.errors import InvalidInput
from tasks.messages.lipsync import LIPSYNC
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog


def test_the_default_model_is_in_the_catalog_that_comes_with_slotline(
    own_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert DEFAULT_MODEL in catalog()


def test_slots_are_those_of_a_local_stack_and_of_no_other() -> None:
    assert (local_slots(True, None, 2), local_slots(True, 5, 2), local_slots(False, None, 2)) == (2, 5, None)
    with pytest.raises(InvalidInput, match="--slots: only with --local"):
        local_slots(False, 2, 2)


@pytest.mark.parametrize("command", ["read", "summarize"])
def test_slots_without_a_local_stack_are_refused(slotline: Slotline, tmp_path: Path, command: str) -> None:
    said = slotline(command, tmp_path / "any.txt", "--model", "bart", "--slots", "3")
    assert (said.status, said.err.splitlines()) == (
        2,
        ["slotline: --slots: only with --local; else the workers that run have their own slots"],
    )


def test_the_only_model_of_a_craft_need_not_be_named(own_environment: None, use_catalog: UseCatalog) -> None:
    use_catalog('[models.faces]\nadapter = "lipsync"\n[models.quick]\nadapter = "rehearsal"\n')
    assert only_model(LIPSYNC, "is to show the face", "show faces") == "faces"
    use_catalog('[models.quick]\nadapter = "rehearsal"\n')
    with pytest.raises(InvalidInput, match="^--model: name the model that is to show the face; none of .* is known"):
        only_model(LIPSYNC, "is to show the face", "show faces")
