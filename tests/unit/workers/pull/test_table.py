"""The table is added to the catalog in use, and nothing else in it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks import catalog
from tasks.errors import CatalogError, SettingsError
from tasks.settings import settings
from tests.fixtures.environment import UseCatalog
from tests.fixtures.pull import tiny
from workers.pull import table

MINE = '# mine\n[models.rehearsal] # «two»\nadapter = "rehearsal"   # kept\n'


def add(target: Path = Path("/models/tiny")) -> str:
    return table.add(tiny.recipe(), tiny.way(), target)


def test_the_table_is_added_behind_what_is_there(use_catalog: UseCatalog) -> None:
    path = use_catalog(MINE)
    assert add() == f"[models.tiny] was added to {path}"
    assert path.read_text() == MINE + (
        '\n[models.tiny]\nadapter = "rehearsal"\npath = "/models/tiny"\nseconds = 0.5\nvoice = "one"\n'
    )
    assert catalog.catalog()["tiny"].path == "/models/tiny"


@pytest.mark.parametrize("before", [MINE.rstrip("\n"), MINE.replace("\n", "\r\n"), "\ufeff" + MINE])
def test_the_ends_of_line_of_the_file_are_kept(before: str, use_catalog: UseCatalog) -> None:
    path = use_catalog(MINE)
    path.write_bytes(before.encode())
    add()
    after = path.read_bytes().decode()
    assert after.startswith(before)
    assert ("\r\n" in before) == (after.count("\n") == after.count("\r\n"))


def test_a_table_of_that_name_is_left_alone(use_catalog: UseCatalog) -> None:
    path = use_catalog(MINE)
    add()
    before = path.read_bytes()
    assert add() == f"[models.tiny] is in {path} and fits"
    assert add(Path("/other")) == (
        f'[models.tiny] is in {path} and was left alone, but differs: path = "/models/tiny", here "/other"'
    )
    assert path.read_bytes() == before


def test_the_installed_catalog_is_copied_and_not_changed(
    own_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = catalog.default_path().read_bytes()
    assert add() == f"[models.tiny] was added to {tmp_path}/models.toml, a copy of {catalog.default_path()} with it"
    assert catalog.default_path().read_bytes() == before
    assert (tmp_path / "models.toml").read_bytes().startswith(before)
    assert catalog.catalog_path() == Path("models.toml")


def test_a_catalog_that_is_named_but_not_there_is_made(
    own_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTLINE_MODELS", str(tmp_path / "new" / "mine.toml"))
    settings.cache_clear()
    table.check()
    add()
    assert "tiny" in catalog.read(tmp_path / "new" / "mine.toml")


def test_a_link_stays_a_link_and_the_mode_stays(use_catalog: UseCatalog, tmp_path: Path) -> None:
    path = use_catalog(MINE)
    real = path.rename(tmp_path / "real.toml")
    real.chmod(0o640)
    path.symlink_to(real)
    add()
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "tiny" in catalog.read(real)


def test_a_broken_catalog_is_said_before_and_is_not_changed(use_catalog: UseCatalog) -> None:
    path = use_catalog("[models.x\n")
    with pytest.raises(CatalogError, match="models.toml"):
        table.check()
    with pytest.raises(CatalogError, match="models.toml"):
        add()
    assert path.read_text() == "[models.x\n"


def test_a_catalog_to_which_no_table_can_be_added_is_not_changed(use_catalog: UseCatalog) -> None:
    path = use_catalog('models = {x = {adapter = "rehearsal"}}\n')
    with pytest.raises(CatalogError, match="models.toml"):
        add()
    assert path.read_text() == 'models = {x = {adapter = "rehearsal"}}\n'


def test_a_catalog_that_cannot_be_written_names_what_to_do(
    use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = use_catalog(MINE)

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(table, "whole_file", refuse)
    with pytest.raises(SettingsError, match="--print shows it"):
        add()
    assert path.read_text() == MINE


@pytest.mark.parametrize("folder", ['/a "b"\\c', "/ü/\x7f\x01", "/🙂 x"])
def test_any_path_is_written_so_that_it_is_read_again(folder: str, use_catalog: UseCatalog) -> None:
    path = use_catalog(MINE)
    add(Path(folder))
    assert catalog.read(path)["tiny"].path == folder


def test_a_path_that_is_not_unicode_is_refused(use_catalog: UseCatalog) -> None:
    path = use_catalog(MINE)
    with pytest.raises(CatalogError, match="not UTF-8"):
        add(Path("/\udcff"))
    assert path.read_text() == MINE
