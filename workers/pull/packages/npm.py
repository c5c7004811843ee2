"""Archives of the npm registry, by npm itself; where there is no npm, or it fails, the registry's tarball over HTTP.

npm's settings are respected either way (`npmrc.py` reads them for HTTP). Nothing of a package is installed or run.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tasks.errors import PullFailed, SourceUnavailable
from tasks.terminal import interrupt
from workers.pull.packages import download, program
from workers.pull.packages.digests import is_right
from workers.pull.packages.npmrc import Npmrc
from workers.pull.recipe import Package
from workers.pull.source import Report
from workers.pull.staging import Staging

SILENT_S = 10.0
"""npm is ended when nothing came for so long; by itself it would wait for five minutes."""


def fetch(package: Package, staging: Staging, report: Report, *, is_known: bool = False) -> Path:
    """The archive, in the staging folder. Raises `SourceUnavailable` with the reason of each try, and `PullFailed`."""
    try:
        return _by_npm(package, staging, report)
    except SourceUnavailable as exc:
        why = str(exc)
    try:
        return _by_http(package, staging, report)
    except SourceUnavailable as exc:
        raise SourceUnavailable(f"npm: {package.name}@{package.version}: {why}; {exc}") from exc


def command(package: Package, folder: Path) -> list[str]:
    """The command line of npm that writes this archive into its current folder."""
    return [
        *("npm", "pack", f"{package.name}@{package.version}", "--ignore-scripts", "--cache", str(folder / "cache")),
        *("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000", "--loglevel=error"),
    ]


def _by_npm(package: Package, staging: Staging, report: Report) -> Path:
    if shutil.which("npm") is None:
        raise SourceUnavailable("there is no npm here")
    label = f"{package.name} {package.version}"
    folder = staging.temporary / package.name
    folder.mkdir(exist_ok=True)
    # An own project with the settings of the current folder's: npm writes nothing there, whatever its version.
    (folder / "package.json").write_text('{"private": true}\n')
    if Path(".npmrc").is_file():
        shutil.copy(".npmrc", folder)
    ended = program.run(
        command(package, folder),
        os.environ,
        folder,
        SILENT_S,
        # npm writes the archive twice: into its cache, and out of it.
        lambda size_bytes: report.update(label, min(size_bytes // 2, package.bytes), package.bytes),
        is_inside=True,
    )
    archive = folder / package.file
    if ended.status == 0 and archive.is_file():
        return archive
    if "ENOSPC" in ended.errors:
        raise PullFailed(f"npm: {label}: the disk is full")
    raise SourceUnavailable(f"npm: nothing came for {SILENT_S:g} s" if ended.is_silent else _reason(ended.errors))


def _by_http(package: Package, staging: Staging, report: Report) -> Path:
    label = f"{package.name} {package.version}"
    settings = Npmrc.of(os.environ, Path.cwd())
    url = f"{settings.registry}/{package.name}/-/{package.file}"
    part = staging.archives / f"{package.file}.part"

    def fetch() -> None:
        download.download(
            url,
            part,
            settings.opener(),
            settings.authorization,
            lambda done_bytes: report.update(label, done_bytes, package.bytes),
        )

    is_resumed = part.exists()
    interrupt.call(fetch)
    if is_resumed and not is_right(
        part, package.digest
    ):  # what lay there was not a part of it: once more, from its begin
        part.unlink()
        interrupt.call(fetch)
    return part


def _reason(errors: str) -> str:
    """npm's reason: the line that names the error, not those about its log."""
    lines = [line.removeprefix("npm error").removeprefix("npm ERR!").strip() for line in errors.splitlines()]
    said = [
        line for line in lines if line and not line.startswith(("code ", "syscall ", "errno ", "at ", "A complete"))
    ]
    return said[0] if said else program.last_line(errors)
