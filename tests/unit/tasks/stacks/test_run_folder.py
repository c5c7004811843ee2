"""The run folder is this user's alone, or it is not used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.errors import SettingsError
from tasks.stacks import run_folder


def test_it_lies_in_the_folder_that_the_system_names(own_run_folder: Path) -> None:
    assert run_folder.made() == own_run_folder / "slotline"
    assert run_folder.is_private(own_run_folder / "slotline")
    assert run_folder.made() == own_run_folder / "slotline"


def test_where_the_variable_names_no_folder_of_this_user_another_one_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "not there"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    uid = os.geteuid()
    assert run_folder.run_folder() in (tmp_path / f"slotline-{uid}", Path(f"/run/user/{uid}/slotline"))


@pytest.mark.parametrize("mode", [0o750, 0o777])
def test_a_folder_that_others_may_read_is_refused_by_name(own_run_folder: Path, mode: int) -> None:
    folder = own_run_folder / "slotline"
    folder.mkdir()
    folder.chmod(mode)
    assert not run_folder.is_private(folder)
    with pytest.raises(SettingsError, match=f"^the run folder {folder} is not this user's alone"):
        run_folder.made()


def test_a_link_to_a_folder_elsewhere_is_not_private(own_run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (own_run_folder / "slotline").symlink_to(tmp_path / "elsewhere")
    assert not run_folder.is_private(own_run_folder / "slotline")


def test_a_file_in_its_place_is_named(own_run_folder: Path) -> None:
    (own_run_folder / "slotline").touch()
    with pytest.raises(SettingsError, match="cannot be made"):
        run_folder.made()
