"""One pull of one model: its lock, what is there, the recipe's ways in order, and the new folder in place.

Guarantees: files that no pull has made are never touched; a model that is whole is not fetched again; after a failure
the model's path is what it was.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.errors import InvalidInput, SourceUnavailable
from workers.pull import lock
from workers.pull.installed import Installed, State, look
from workers.pull.manifest import Manifest
from workers.pull.place import Place
from workers.pull.recipe import Recipe, Way
from workers.pull.source import Report, Source
from workers.pull.staging import Staging, disk_errors, need_room


@dataclass(frozen=True)
class Pulled:
    """A model that is whole."""

    manifest: Manifest
    is_new: bool
    """Whether this pull has made it; else it was there."""


@dataclass(frozen=True)
class Pull:
    """What is pulled, where to, and from which sources; `wanted` names the only one that may be used."""

    recipe: Recipe
    place: Place
    sources: Mapping[str, Source]
    report: Report
    wanted: str | None = None
    update: bool = False
    """Fetch also what is whole: the hub's newest files take the place of those that are locked."""

    def run(self) -> Pulled:
        """Fetch the model if it is not whole.

        Raises `SourceUnavailable` that names each source with its reason, `PullFailed`, `InvalidInput` for a folder
        of somebody's own, `SettingsError` for one that cannot be written, and `Interrupted`.
        """
        with disk_errors(self.place), lock.held(self.place.lock, self._say_wait):
            staging = Staging(self.place)
            staging.recover()
            old = look(self.place.target)
            if old.state is State.FOREIGN:
                raise InvalidInput(
                    f"{self.place.target} has files that slotline model pull did not put there, and is left alone: "
                    "move it away, or name another folder with --into"
                )
            if old.state is State.WHOLE and old.manifest and not self.update:
                return self._completed(staging, old, old.manifest)
            for fault in old.faults:
                self.report.note(f"{self.recipe.name}: {fault.path}: {fault.what}; it is made again")
            made = self._fetch(self._ways_again(old), staging, old)
            return Pulled(made, is_new=old.state is not State.WHOLE or made != old.manifest)

    def _ways_again(self, old: Installed) -> list[Way]:
        """The ways in order, but that of an old model first: other sources have other files of it."""
        source = old.manifest.source if old.manifest else ""
        ways = self.recipe.ways_of(self.wanted)
        return sorted(ways, key=lambda way: bool(source) and (way.source != source or bool(way.lacks)))

    def _completed(self, staging: Staging, old: Installed, made: Manifest) -> Pulled:
        """The whole model that is there; one that lacks something is completed, if a way that lacks nothing works."""
        better = [way for way in self.recipe.ways_of(self.wanted) if not way.lacks] if made.lacks else []
        if better:
            try:
                return Pulled(self._fetch(better, staging, old), is_new=True)
            except SourceUnavailable as exc:
                self.report.note(str(exc))
        return Pulled(made, is_new=False)

    def _fetch(self, ways: Sequence[Way], staging: Staging, old: Installed) -> Manifest:
        """Fetch by the first way that works, and put the model in place."""
        if self.place.target.is_symlink():
            raise InvalidInput(
                f"{self.place.target} is a link, and is left alone: remove it, or name the folder that "
                f"{os.readlink(self.place.target)} is in with --into"
            )
        reasons: dict[str, None] = {}  # a reason that two ways share is said once
        for way in ways:
            staging.begin()
            staging.keep_from(old, way)
            need_room(self.place, staging.missing_bytes(way))
            try:
                revision = self.sources[way.source].fetch(self.recipe, way, staging, self.report)
            except SourceUnavailable as exc:
                reasons[f"{way.source}: {exc}"] = None
                continue
            made = staging.check(self.recipe, way, revision)
            staging.install(made)
            for reason in reasons:  # why it did not come by a way that is tried before
                self.report.note(f"{self.recipe.name}: {reason}")
            return made
        raise SourceUnavailable(f"{self.recipe.name}: no source could give it; {'; '.join(reasons)}")

    def _say_wait(self, pid: str) -> None:
        self.report.note(f"{self.recipe.name}: process {pid} pulls it; waiting (Ctrl-C ends the wait)")


def way_of(recipe: Recipe, made: Manifest) -> Way:
    """The way by which this model came: of its source, and lacking the same."""
    ways = recipe.ways_of(made.source) or recipe.ways
    return next((way for way in ways if bool(way.lacks) == bool(made.lacks)), ways[0])
