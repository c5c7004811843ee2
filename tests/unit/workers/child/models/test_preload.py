"""What is loaded before a slot is ready: in order, as far as it fits; a wrong one is named and skipped."""

from __future__ import annotations

import logging

import pytest

from tasks.errors import MissingExtra, ModelLoadError
from tests.unit.workers.child.rehearsals import entry
from workers.child.models.preload import preload

TABLE = entry(path="/faces/{id}", preload=["anna", "bert", "carl"], max_memory_gb=2.0, place="here:")


def test_one_that_cannot_be_loaded_is_named_and_the_others_are_loaded(caplog: pytest.LogCaptureFixture) -> None:
    loaded: list[str] = []

    def load(name: str) -> int:
        loaded.append(name)
        if name != "carl":
            raise ModelLoadError("broken") if name == "anna" else FileNotFoundError("the folder is gone")
        return 0

    with caplog.at_level(logging.ERROR):
        preload(TABLE, load)
    assert loaded == ["anna", "bert", "carl"]
    assert [record.message for record in caplog.records] == [
        "here: preload: anna is not loaded: broken",
        "here: preload: bert is not loaded: the folder is gone",
    ]


def test_the_first_that_pushes_another_out_is_the_last(caplog: pytest.LogCaptureFixture) -> None:
    loaded: list[str] = []

    def load(name: str) -> int:
        loaded.append(name)
        return len(loaded) - 1

    preload(TABLE, load)
    assert loaded == ["anna", "bert"]
    assert "here: preload: max_memory_gb = 2 has no room for more than 1 of them" in caplog.text


def test_what_would_fail_each_load_is_raised() -> None:
    def load(name: str) -> int:
        raise MissingExtra("run: pip install it")

    with pytest.raises(MissingExtra):
        preload(TABLE, load)
