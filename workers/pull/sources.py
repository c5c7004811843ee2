"""The sources of models by name."""

from __future__ import annotations

from collections.abc import Mapping

from workers.pull.packages import Packages
from workers.pull.recipe import PACKAGES
from workers.pull.source import Source


def sources() -> Mapping[str, Source]:
    """A source for each name that a way may have."""
    return {PACKAGES: Packages()}
