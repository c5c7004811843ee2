"""Archives of PyPI, by pip itself: its configuration, indexes, mirrors, proxies and certificates are respected.

pip only downloads; nothing is built, installed or run (wheels alone are accepted).
"""

from __future__ import annotations

import errno
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from tasks.errors import PullFailed, SourceUnavailable
from workers.pull.packages import program
from workers.pull.recipe import Package
from workers.pull.source import Report
from workers.pull.staging import Staging

TIMEOUT_S, RETRIES = 5, 1
"""How long pip waits for a connection, or for the next byte, and how often it tries again: it tells no reason for the
last try, so one more is needed."""

KNOWN_TIMEOUT_S, KNOWN_RETRIES = 15, 3
"""The same for an index that has given an archive in this pull."""

FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""What pip's last line ends with where the disk is full."""

SILENT_S = 45.0
"""pip is ended when nothing came for so long. Its own limits end sooner, but it may have several indexes to try."""


def command(package: Package, folder: Path, *, is_known: bool = False) -> list[str]:
    """The command line of pip that downloads this archive into the folder."""
    timeout_s, retries = (KNOWN_TIMEOUT_S, KNOWN_RETRIES) if is_known else (TIMEOUT_S, RETRIES)
    return [
        *(sys.executable, "-m", "pip", "download", f"{package.name}=={package.version}"),
        *("--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--dest", str(folder)),
        *("--retries", str(retries), "--timeout", str(timeout_s)),
        *("--quiet", "--no-input", "--disable-pip-version-check", "--no-color", "--progress-bar", "off"),
    ]


def fetch(package: Package, staging: Staging, report: Report, *, is_known: bool = False) -> Path:
    """The archive, in a folder of `staging.temporary`. Raises `SourceUnavailable` and `PullFailed`."""
    if find_spec("pip") is None:
        raise SourceUnavailable(f"pip is not in this environment ({sys.executable} -m ensurepip installs it)")
    label = f"{package.name} {package.version}"
    folder = staging.temporary / package.name
    folder.mkdir(exist_ok=True)
    # pip writes what it downloads to its folder of temporary files first: there it can be watched.
    ended = program.run(
        command(package, folder, is_known=is_known),
        {**os.environ, "TMPDIR": str(folder)},
        folder,
        SILENT_S,
        lambda size_bytes: report.update(label, min(size_bytes, package.bytes), package.bytes),
    )
    archive = folder / package.file
    if ended.status == 0 and archive.is_file():
        return archive
    raise _failed(package, ended)


def _failed(package: Package, ended: program.Ended) -> PullFailed:
    name = f"{package.name}=={package.version}"
    if ended.is_silent:
        return SourceUnavailable(f"pip: {name}: nothing came for {SILENT_S:g} s")
    if any(words in ended.errors for words in FULL):
        return PullFailed(f"pip: {name}: the disk is full")
    if ended.status == 0:
        return SourceUnavailable(f"pip: the index gave no {package.file} for {name}")
    return SourceUnavailable(f"pip: {name}: {_reason(ended.errors)}")


def _reason(errors: str) -> str:
    """pip's reason; of a lost connection its first warning, because its last line says only «no version»."""
    for line in errors.splitlines():
        if "connection broken by" in line:
            return "the index does not answer: " + line.partition("connection broken by")[2].strip(" '")
    return program.last_line(errors)
