"""What people add to a pulled model's folder stays there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fixtures.pull import tiny
from workers.pull.installed import State, look
from workers.pull.keeping import keep_added, same_file
from workers.pull.place import Place
from workers.pull.pull import Pull


def test_what_was_added_stays_when_a_broken_model_is_made_again(place: Place) -> None:
    def pull() -> None:
        Pull(tiny.recipe(), place, {"packages": tiny.Memory()}, tiny.Notes()).run()

    pull()
    (place.target / "voices" / "mine.bin").write_bytes(b"mine")
    (place.target / "samples" / "empty").mkdir(parents=True)
    (place.target / "link").symlink_to("voices/mine.bin")
    (place.target / "folder").symlink_to("samples")
    (place.target / "nowhere").symlink_to("absent")
    (place.target / "model.bin").unlink()
    pull()
    assert look(place.target).state is State.WHOLE
    assert (place.target / "voices" / "mine.bin").read_bytes() == b"mine"
    assert (place.target / "samples" / "empty").is_dir()
    links = {name: os.readlink(place.target / name) for name in ("link", "folder", "nowhere")}
    assert links == {"link": "voices/mine.bin", "folder": "samples", "nowhere": "absent"}


def test_a_file_that_was_fetched_and_is_gone_in_the_new_model_is_not_kept(place: Place, tmp_path: Path) -> None:
    Pull(tiny.recipe(), place, {"packages": tiny.Memory()}, tiny.Notes()).run()
    keep_added(place.target, tmp_path / "new")
    assert not [path for path in (tmp_path / "new").rglob("*") if path.is_file()]


def test_without_links_a_file_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "old").write_bytes(b"x")
    same_file(tmp_path / "old", tmp_path / "folder" / "new")
    assert (tmp_path / "folder" / "new").read_bytes() == b"x"
    assert (tmp_path / "old").stat().st_nlink == 1
