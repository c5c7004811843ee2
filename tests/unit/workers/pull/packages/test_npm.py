"""Archives of the npm registry, by npm and without it, from a registry on this machine."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tasks.errors import PullFailed, SourceUnavailable
from tests.fixtures.pull import archives, tiny
from tests.fixtures.pull.web import Web
from workers.pull.packages import download, npm
from workers.pull.staging import Staging

CONTENT = archives.tarball({"package/one.bin": b"voice" * 10_000})
PACKAGE = archives.npm_package(CONTENT, {"package/one.bin": "voices/one.bin"})

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")


@pytest.fixture
def no_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without npm."""
    monkeypatch.setattr(shutil, "which", lambda name: None)


@needs_npm
def test_npm_fetches_the_archive_from_its_own_registry(registries: Web, staging: Staging) -> None:
    archives.serve_tarball(registries, PACKAGE, CONTENT)
    archive = npm.fetch(PACKAGE, staging, tiny.Notes())
    assert archive.read_bytes() == CONTENT
    assert archive.is_relative_to(staging.temporary)
    assert all("npm/" in headers["user-agent"] for _, headers in registries.asked)


@needs_npm
def test_npm_reads_the_settings_of_the_current_folder_and_writes_nothing_there(
    registries: Web, staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives.serve_tarball(registries, PACKAGE, CONTENT)
    monkeypatch.delenv("NPM_CONFIG_REGISTRY")
    project = tmp_path / "project"
    project.mkdir()
    (project / ".npmrc").write_text(f"registry={registries.url}\n")
    monkeypatch.chdir(project)
    assert npm.fetch(PACKAGE, staging, tiny.Notes()).read_bytes() == CONTENT
    assert [path.name for path in project.iterdir()] == [".npmrc"]


def test_without_npm_it_is_the_registrys_plain_tarball(registries: Web, no_npm: None, staging: Staging) -> None:
    registries.files[archives.tarball_path(PACKAGE)] = CONTENT
    notes = tiny.Notes()
    assert npm.fetch(PACKAGE, staging, notes).read_bytes() == CONTENT
    assert notes.moves[-1] == (f"{archives.NPM} 1.0.0", len(CONTENT), len(CONTENT))


def test_a_tarball_that_was_half_there_is_completed(registries: Web, no_npm: None, staging: Staging) -> None:
    registries.files[archives.tarball_path(PACKAGE)] = CONTENT
    (staging.archives / f"{PACKAGE.file}.part").write_bytes(CONTENT[:100])
    assert npm.fetch(PACKAGE, staging, tiny.Notes()).read_bytes() == CONTENT
    assert registries.asked[0][1]["range"] == "bytes=100-"


def test_a_half_that_was_not_of_it_is_fetched_from_the_begin(registries: Web, no_npm: None, staging: Staging) -> None:
    registries.files[archives.tarball_path(PACKAGE)] = CONTENT
    (staging.archives / f"{PACKAGE.file}.part").write_bytes(b"other" * 10)
    assert npm.fetch(PACKAGE, staging, tiny.Notes()).read_bytes() == CONTENT


def test_a_registry_that_lacks_it_is_named_with_both_tries(
    registries: Web, staging: Staging, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'npm error code E404' >&2\necho 'npm error 404 Not Found' >&2\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin")
    with pytest.raises(SourceUnavailable, match=r"npm: slotline-tiny-voices@1.0.0: 404 Not Found; http.*says 404"):
        npm.fetch(PACKAGE, staging, tiny.Notes())


def test_a_silent_npm_is_ended_and_a_full_disk_ends_the_pull(
    registries: Web, staging: Staging, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin")
    monkeypatch.setattr(npm, "SILENT_S", 0.2)
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    registries.files[archives.tarball_path(PACKAGE)] = CONTENT
    assert npm.fetch(PACKAGE, staging, tiny.Notes()).read_bytes() == CONTENT
    program.write_text("#!/bin/sh\necho 'npm error code ENOSPC' >&2\nexit 1\n")
    with pytest.raises(PullFailed, match="the disk is full"):
        npm.fetch(PACKAGE, staging, tiny.Notes())
