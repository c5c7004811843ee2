"""The sources of models by name."""

from __future__ import annotations

from collections.abc import Mapping

from workers.pull.hub.fetching import Hub
from workers.pull.packages import Packages
from workers.pull.recipe import HUB, PACKAGES
from workers.pull.source import Source


def sources(newest: bool = False) -> Mapping[str, Source]:
    """A source for each name that a way may have. With `newest` the hub's files are not those that were locked."""
    return {PACKAGES: Packages(), HUB: Hub(newest)}
