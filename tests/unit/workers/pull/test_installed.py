"""What is found at a model's path."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.pull import tiny
from workers.pull.installed import Fault, State, look
from workers.pull.place import Place
from workers.pull.pull import Pull


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A pulled model."""
    place = Place(tmp_path, "tiny")
    Pull(tiny.recipe(), place, {"packages": tiny.Memory()}, tiny.Notes()).run()
    return place.target


def test_a_pulled_model_is_whole(model: Path) -> None:
    found = look(model)
    assert (found.state, found.faults) == (State.WHOLE, ())
    assert found.manifest
    assert set(found.manifest.files) == set(tiny.FILES)


def test_files_that_a_user_adds_do_not_matter(model: Path) -> None:
    (model / "voices" / "mine.bin").write_bytes(b"x")
    assert look(model).state is State.WHOLE


def test_nothing_and_an_empty_folder_are_absent(tmp_path: Path) -> None:
    assert look(tmp_path / "none").state is State.ABSENT
    assert look(tmp_path).state is State.ABSENT


def test_files_without_a_manifest_are_somebodys_own(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    assert look(tmp_path).state is State.FOREIGN
    assert look(tmp_path / "mine.txt").state is State.FOREIGN


def test_a_link_that_leads_nowhere_is_somebodys_own(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert look(tmp_path / "link").state is State.FOREIGN


def test_a_missing_a_short_and_a_changed_file_are_named(model: Path) -> None:
    (model / "voices" / "one.bin").unlink()
    (model / "model.bin").write_bytes(b"short")
    found = look(model)
    assert found.state is State.BROKEN
    assert found.faults == (Fault("model.bin", "has 5 bytes, not 8,000"), Fault("voices/one.bin", "missing"))


def test_only_a_deep_look_sees_other_content_of_the_same_length(model: Path) -> None:
    (model / "model.bin").write_bytes(b"W" + tiny.FILES["model.bin"][1:])
    assert look(model, deep=False).state is State.WHOLE
    assert look(model).faults == (Fault("model.bin", "was changed: its SHA-256 is not the one of the pull"),)
