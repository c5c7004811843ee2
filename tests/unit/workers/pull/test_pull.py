"""A pull from its lock to the folder in place, with sources that answer from memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import InvalidInput, PullFailed, SettingsError, SourceUnavailable
from tests.fixtures.pull import tiny
from workers.pull.installed import State, look
from workers.pull.place import Place
from workers.pull.pull import Pull, Pulled, way_of
from workers.pull.recipe import HUB, Recipe
from workers.pull.source import Source


def pulled(
    place: Place,
    *sources: Source,
    recipe: Recipe | None = None,
    notes: tiny.Notes | None = None,
    wanted: str | None = None,
) -> Pulled:
    named = {source.name: source for source in sources}
    return Pull(recipe or tiny.recipe(), place, named, notes or tiny.Notes(), wanted).run()


def test_a_model_that_is_whole_is_not_fetched_again(place: Place) -> None:
    source = tiny.Memory()
    assert pulled(place, source).is_new
    assert not pulled(place, source).is_new
    assert source.fetched == list(tiny.FILES)


def test_a_broken_model_is_mended_and_only_what_is_broken_is_fetched(place: Place) -> None:
    source, notes = tiny.Memory(), tiny.Notes()
    pulled(place, source)
    source.fetched.clear()
    (place.target / "voices" / "one.bin").unlink()
    assert pulled(place, source, notes=notes).is_new
    assert source.fetched == ["voices/one.bin"]
    assert notes.lines == ["tiny: voices/one.bin: missing; it is made again"]
    assert look(place.target).state is State.WHOLE


def test_somebodys_own_folder_is_never_touched(place: Place) -> None:
    place.target.mkdir(parents=True)
    (place.target / "model.bin").write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="models/tiny has files that slotline model pull did not put there"):
        pulled(place, tiny.Memory())
    assert [path.name for path in place.target.iterdir()] == ["model.bin"]
    assert (place.target / "model.bin").read_bytes() == b"mine"


def test_a_link_is_left_alone_unless_the_model_behind_it_is_whole(place: Place, tmp_path: Path) -> None:
    elsewhere = Place(tmp_path / "disk", "tiny")
    pulled(elsewhere, tiny.Memory())
    place.folder.mkdir()
    place.target.symlink_to(elsewhere.target)
    assert not pulled(place, tiny.Memory()).is_new
    (elsewhere.target / "model.bin").unlink()
    with pytest.raises(InvalidInput, match="models/tiny is a link, and is left alone"):
        pulled(place, tiny.Memory())
    assert place.target.is_symlink()


def test_the_next_source_is_tried_and_all_are_named_where_none_answers(place: Place) -> None:
    recipe = tiny.recipe(tiny.way(), tiny.way(source=HUB))
    away = tiny.Memory(refuses="no route")
    with pytest.raises(SourceUnavailable, match="no source could give it; packages: no route; hub: no name"):
        pulled(place, away, tiny.Memory(name=HUB, refuses="no name"), recipe=recipe)
    assert look(place.target).state is State.ABSENT
    notes = tiny.Notes()
    assert pulled(place, away, tiny.Memory(name=HUB), recipe=recipe, notes=notes).manifest.source == HUB
    assert notes.lines == ["tiny: packages: no route"]


def test_only_the_wanted_source_is_asked(place: Place) -> None:
    recipe = tiny.recipe(tiny.way(), tiny.way(source=HUB))
    source = tiny.Memory()
    pulled(place, source, tiny.Memory(name=HUB), recipe=recipe, wanted=HUB)
    assert not source.fetched


def test_a_broken_model_is_mended_from_its_own_source(place: Place) -> None:
    less = tiny.way({"model.bin": tiny.FILES["model.bin"]}, lacks="it lacks voices")
    recipe = tiny.recipe(tiny.way(), tiny.way(source=HUB), less)
    sources = tiny.Memory(), tiny.Memory(name=HUB)
    pulled(place, *sources, recipe=recipe, wanted=HUB)
    (place.target / "model.bin").unlink()
    assert pulled(place, *sources, recipe=recipe).manifest.source == HUB
    sources[1].refuses = "away"
    (place.target / "model.bin").unlink()
    made = pulled(place, *sources, recipe=recipe).manifest
    assert (made.source, made.lacks) == ("packages", "")


def test_a_wrong_digest_ends_the_pull_and_the_old_model_stays(place: Place) -> None:
    pulled(place, tiny.Memory())
    (place.target / "model.bin").unlink()
    wrong = tiny.Memory({**tiny.FILES, "model.bin": b"x" * 8000})
    with pytest.raises(PullFailed, match="not the file of the recipe"):
        pulled(place, wrong, tiny.Memory(name=HUB), recipe=tiny.recipe(tiny.way(), tiny.way(source=HUB)))
    assert (place.target / "voices" / "one.bin").read_bytes() == b"voice"


def test_a_model_that_lacks_something_is_completed_when_that_is_possible(place: Place) -> None:
    less = tiny.way({"model.bin": tiny.FILES["model.bin"]}, lacks="it lacks voices")
    recipe = tiny.recipe(tiny.way(source=HUB), less)
    source, hub, notes = tiny.Memory(), tiny.Memory(name=HUB, refuses="away"), tiny.Notes()
    made = pulled(place, source, hub, recipe=recipe).manifest
    assert made.lacks == "it lacks voices"
    assert way_of(recipe, made) == less
    assert not pulled(place, source, hub, recipe=recipe, notes=notes).is_new
    assert notes.lines == ["tiny: no source could give it; hub: away"]
    hub.refuses = ""
    completed = pulled(place, source, hub, recipe=recipe)
    assert completed.is_new
    assert not completed.manifest.lacks
    assert hub.fetched == ["voices/one.bin"]


def test_what_a_failed_pull_has_left_is_never_taken_for_a_model(place: Place) -> None:
    def fail(staging: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pulled(place, tiny.Memory(before=fail))
    assert look(place.target).state is State.ABSENT
    assert pulled(place, tiny.Memory()).is_new


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="file.* cannot be written .*--into"):
        pulled(Place(tmp_path / "file", "tiny"), tiny.Memory())
