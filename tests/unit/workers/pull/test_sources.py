"""Each source that a recipe names exists."""

from __future__ import annotations

from workers.pull.recipe import PACKAGES
from workers.pull.sources import sources


def test_a_source_has_its_name() -> None:
    assert all(source.name == name for name, source in sources().items())
    assert PACKAGES in sources()
