"""Where models lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.pull.place import Place, models_folder


def test_the_folder_of_models_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "slotline" / "models"


def test_what_a_pull_needs_is_on_the_disk_of_its_target() -> None:
    place = Place(Path("/models"), "kokoro")
    assert place.target == Path("/models/kokoro")
    assert place.work.parent == place.lock.parent == Path("/models/.pull")
    assert place.work != place.lock
