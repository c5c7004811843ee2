"""What a source of models is: something that fetches one way of a recipe into a staging folder."""

from __future__ import annotations

from typing import Protocol

from workers.pull.recipe import Recipe, Way
from workers.pull.staging import Staging


class Report(Protocol):
    """Is told how a pull goes on; shows it to people."""

    def note(self, line: str) -> None:
        """Say one line."""

    def update(self, name: str, done_bytes: int, total_bytes: int) -> None:
        """So much of `name` is there; a total of 0 is not known."""

    def fetched(self, name: str, size_bytes: int) -> None:
        """All of `name` is there."""


class Source(Protocol):
    """See `packages/` and `hub.py`."""

    name: str

    def fetch(self, recipe: Recipe, way: Way, staging: Staging, report: Report) -> str:
        """Put the files of this way into `staging.model`; the revision, or an empty text.

        What was fetched before and lies in `staging.archives`, or is in `staging.model` already, is not fetched again.
        Raises `SourceUnavailable` within seconds if the source does not answer or lacks something: another way may
        do. Raises `PullFailed` where no other may be tried: a wrong digest, a full disk.
        """
