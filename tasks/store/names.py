"""The names of artifacts, and what is kept of them beside their data: the fields of a pointer or a trailer. Pure.

A name is a hash of the artifact's ingredients, so the same input has the same name
everywhere. `tasks/store/artifacts.py` keeps the files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from tasks.errors import InvalidInput

JSON: TypeAlias = "str | int | float | bool | Sequence[JSON] | Mapping[str, JSON] | None"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)+\.[a-z0-9]{1,8}")
_MAX_NAME_CHARS = 150
_SHA256 = re.compile(r"[0-9a-f]{64}")


def name_of(kind: str, extension: str, ingredients: Mapping[str, JSON]) -> str:
    """The artifact's name, `kind/ab/abcd….extension`: a SHA-256 over canonical JSON of the ingredients.

    Canonical: keys sorted, no spaces, text as UTF-8. 1 and 1.0 are different ingredients.
    """
    canonical = json.dumps(
        dict(ingredients), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return name_of_bytes(kind, extension, canonical.encode())


def name_of_bytes(kind: str, extension: str, content: bytes) -> str:
    """The artifact's name as a hash of bytes, for example of its own content."""
    return name_of_digest(kind, extension, hashlib.sha256(content).hexdigest())


def name_of_digest(kind: str, extension: str, digest: str) -> str:
    """The same, of bytes with this SHA-256, in hexadecimal."""
    return checked_name(f"{kind}/{digest[:2]}/{digest}.{extension}")


def checked_name(name: str) -> str:
    """`name`, if it is a valid artifact name; raises `InvalidInput`, because other producers send names too."""
    if len(name) > _MAX_NAME_CHARS or not _NAME.fullmatch(name):
        shown = name if len(name) <= 60 else name[:59] + "…"
        raise InvalidInput(f"artifact: {shown!r} is not the name of an artifact (an example: speech/ab/abcdef.wav)")
    return name


@dataclass(frozen=True)
class Artifact:
    """A complete artifact; `details` are what its writer adds, e.g. sample_rate and frames."""

    name: str
    bytes: int
    sha256: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data_name(self) -> str:
        """The name of its data file, where it has one for itself: the extension is last, because players use it."""
        path = PurePosixPath(self.name)
        return str(path.with_name(f"{path.stem}.{self.sha256[:16]}{path.suffix}"))

    @property
    def pointer_name(self) -> str:
        """The name of its pointer file."""
        return pointer_name(self.name)


def pointer_name(name: str) -> str:
    """The name of the pointer file of an artifact."""
    return f"{name}.json"


def is_file_of(file_name: str, name: str) -> bool:
    """Whether a file (its name without a folder) is the artifact's one file, its pointer, or data written for it."""
    path = PurePosixPath(name)
    data = rf"{re.escape(path.stem)}\.[0-9a-f]{{16}}{re.escape(path.suffix)}"
    return file_name in (path.name, pointer_name(path.name)) or re.fullmatch(data, file_name) is not None


def to_pointer(artifact: Artifact) -> str:
    """The content of a pointer file, and of a trailer: JSON. Its texts are not escaped, which would double most."""
    fields = {"bytes": artifact.bytes, "sha256": artifact.sha256, "details": dict(artifact.details)}
    content = json.dumps(fields, allow_nan=False, ensure_ascii=False)
    try:
        content.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: only escaped it has bytes
        return json.dumps(fields, allow_nan=False)
    return content


def from_pointer(name: str, content: bytes) -> Artifact | None:
    """The artifact that these fields describe; None if they are incomplete or something else."""
    try:
        fields = json.loads(content)
        artifact = Artifact(name, fields["bytes"], fields["sha256"], fields["details"])
    except (ValueError, KeyError, TypeError):
        return None
    sound = (
        isinstance(artifact.bytes, int)
        and isinstance(artifact.sha256, str)
        and _SHA256.fullmatch(artifact.sha256)  # it becomes part of a path
        and isinstance(artifact.details, dict)
    )
    return artifact if sound else None
