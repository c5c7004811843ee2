"""What the tests of pulls share: a web server, and the places of tiny models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.pull.web import Web, serving
from workers.pull.place import Place
from workers.pull.staging import Staging


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server of this test alone."""
    with serving() as one:
        yield one


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
