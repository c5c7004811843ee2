"""Whether a model's folder is there and whole: looks at the files that its manifest names. Changes nothing.

For `slotline model pull` before and without a pull, and for `slotline model list`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workers.pull import manifest
from workers.pull.manifest import FileRecord, Manifest


class State(StrEnum):
    """What was found at a model's path."""

    ABSENT = "absent"
    """Nothing, or an empty folder."""
    FOREIGN = "foreign"
    """Files that no pull has put there: never changed by one."""
    BROKEN = "broken"
    """A pulled model; one of its files is missing, or is not what was fetched."""
    WHOLE = "whole"


@dataclass(frozen=True)
class Fault:
    """What is wrong with one file."""

    path: str
    what: str


@dataclass(frozen=True)
class Installed:
    """A look at a model's folder."""

    state: State
    manifest: Manifest | None = None
    faults: tuple[Fault, ...] = ()


def look(folder: Path, *, deep: bool = True) -> Installed:
    """What is at this path. `deep` compares digests (a second a gigabyte or more), else only sizes are looked at."""
    if not folder.exists() and not folder.is_symlink():
        return Installed(State.ABSENT)
    found = manifest.read(folder)
    if found is None:
        is_empty = folder.is_dir() and not any(folder.iterdir())
        return Installed(State.ABSENT if is_empty else State.FOREIGN)
    faults = tuple(
        Fault(path, what)
        for path, record in sorted(found.files.items())
        if (what := _fault(folder / path, record, deep))
    )
    return Installed(State.BROKEN if faults else State.WHOLE, found, faults)


def _fault(path: Path, record: FileRecord, deep: bool) -> str:
    """What is wrong with this file; empty: nothing."""
    try:
        if not path.is_file():
            return "missing"
        if (size := path.stat().st_size) != record.bytes:
            return f"has {size:,} bytes, not {record.bytes:,}"
        if deep and manifest.sha256_of(path) != record.sha256:
            return "was changed: its SHA-256 is not the one of the pull"
    except OSError as exc:
        return f"cannot be read: {exc.strerror}"
    return ""
