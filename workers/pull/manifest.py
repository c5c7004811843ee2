"""`slotline-pull.json`: what a pulled model is, and each of its files with bytes and SHA-256. It is written last.

A folder with a manifest was made by `slotline model pull`, which may replace it; a folder without one is
somebody's own.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

NAME = "slotline-pull.json"


class FileRecord(BaseModel):
    """The size and the digest of one file."""

    model_config = ConfigDict(frozen=True)

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What a pulled model is."""

    model_config = ConfigDict(frozen=True)

    recipe: str
    source: str
    licence: str
    revision: str = ""
    lacks: str = ""
    files: Mapping[str, FileRecord]

    @field_validator("files")
    @classmethod
    def _inside(cls, files: Mapping[str, FileRecord]) -> Mapping[str, FileRecord]:
        for name in files:
            if not is_inside(name):
                raise ValueError(f"{name!r} is not a path in the model's folder")
        return files

    @property
    def bytes(self) -> int:
        """The size of the whole model."""
        return sum(record.bytes for record in self.files.values())

    def lacks_in(self, folder: Path) -> str:
        """What the model in this folder lacks, and how to get it: `{folder}` is quoted, as a shell takes it."""
        return self.lacks.replace("{folder}", shlex.quote(str(folder)))


def is_inside(name: str) -> bool:
    """Whether `name` is a plain relative path: it cannot lead out of the folder that it is put into. Pure."""
    parts = PurePosixPath(name).parts
    has_odd = any(part in ("..", "/", "//") or "\\" in part or ":" in part or "\0" in part for part in parts)
    return bool(parts) and not has_odd


def read(folder: Path) -> Manifest | None:
    """The manifest in this folder; None if there is none, or it cannot be read."""
    try:
        found: Any = json.loads((folder / NAME).read_bytes())
        return Manifest.model_validate(found)
    except (OSError, ValueError, ValidationError):
        return None


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex; raises the system's `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
