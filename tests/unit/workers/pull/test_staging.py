"""What a pull builds becomes the model in one step, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tasks.errors import PullFailed, SettingsError
from tests.fixtures.pull import tiny
from workers.pull.installed import State, look
from workers.pull.place import Place
from workers.pull.pull import Pull
from workers.pull.staging import Staging, disk_errors, need_room


def built(place: Place, **changed: bytes) -> Staging:
    """A staging folder with the tiny model's files."""
    staging = Staging(place)
    place.work.mkdir(parents=True, exist_ok=True)
    staging.begin()
    for path, content in {**tiny.FILES, **changed}.items():
        staging.path_of(path).write_bytes(content)
    return staging


def test_what_was_built_becomes_the_model_and_nothing_else_stays(place: Place) -> None:
    staging = built(place)
    staging.install(staging.check(tiny.recipe(), tiny.way(), "r1"))
    found = look(place.target)
    assert found.state is State.WHOLE
    assert found.manifest
    assert found.manifest.revision == "r1"
    assert not place.work.exists()


def test_a_file_that_is_not_the_recipes_is_named(place: Place) -> None:
    with pytest.raises(PullFailed, match="model.bin from packages is not the file of the recipe"):
        built(place, **{"model.bin": b"x" * 8000}).check(tiny.recipe(), tiny.way(), "")


def test_a_file_that_was_not_built_is_named(place: Place) -> None:
    staging = built(place)
    (staging.model / "voices" / "one.bin").unlink()
    with pytest.raises(PullFailed, match="packages gave no voices/one.bin"):
        staging.check(tiny.recipe(), tiny.way(), "")


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x"])
def test_a_path_that_leads_out_is_refused(path: str, place: Place) -> None:
    with pytest.raises(PullFailed, match="refused"):
        built(place).path_of(path)


def test_a_kill_between_the_two_renames_leaves_the_old_model(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    Pull(tiny.recipe(), place, {"packages": tiny.Memory()}, tiny.Notes()).run()
    staging = built(place)
    made = staging.check(tiny.recipe(), tiny.way(), "r2")
    with monkeypatch.context() as patched:
        renames: list[object] = []

        def rename(source: Path, target: Path) -> None:
            if renames:
                raise KeyboardInterrupt
            renames.append(source)
            os.replace(source, target)

        patched.setattr("workers.pull.staging.os.rename", rename)
        with pytest.raises(KeyboardInterrupt):
            staging.install(made)
    assert look(place.target).state is State.ABSENT
    Staging(place).recover()
    found = look(place.target)
    assert found.state is State.WHOLE
    assert found.manifest
    assert found.manifest.revision == "revision 1"


def test_files_of_an_old_model_are_taken_over_where_they_are_the_same(place: Place) -> None:
    Pull(tiny.recipe(), place, {"packages": tiny.Memory()}, tiny.Notes()).run()
    (place.target / "voices" / "one.bin").write_bytes(b"VOICE")
    staging = Staging(place)
    place.work.mkdir(parents=True)
    staging.begin()
    staging.keep_from(look(place.target), tiny.way())
    assert [staging.has(file) for file in tiny.way().files] == [True, False]
    assert staging.missing_bytes(tiny.way()) == len(b"voice") + 100


def test_a_full_disk_and_a_missing_right_are_one_line(place: Place) -> None:
    with pytest.raises(PullFailed, match="the disk of .*models is full"), disk_errors(place):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(SettingsError, match="/x cannot be written .*--into"), disk_errors(place):
        raise PermissionError(errno.EACCES, "Permission denied", "/x")


def test_too_little_room_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="needs 1,000,000,000,000 MB .* are free"):
        need_room(Place(tmp_path, "tiny"), 10**18)
