"""What the tests of pulls share: the places of a tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.pull.place import Place
from workers.pull.staging import Staging


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Where the model `tiny` is pulled to."""
    return Place(tmp_path / "models", "tiny")


@pytest.fixture
def staging(place: Place) -> Staging:
    """Its staging folder, empty."""
    place.work.mkdir(parents=True)
    made = Staging(place)
    made.begin()
    return made
