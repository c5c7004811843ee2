"""The lock of a model from the hub: the commit and the digests that the first pull found. A file beside the weights.

Nobody knew the digests when the recipe was written, so the first pull trusts the hub; every later pull of that name
compares with what the first one got. The file is whole or does not exist. A person who wants other files asks for
them (`--update`), or removes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import PullFailed
from tasks.store.atomic import whole_file


class LockedFile(BaseModel):
    """A file of the model, and what is known of it; an empty digest is not known."""

    model_config = ConfigDict(frozen=True)

    repo: str
    origin: str
    """Its path in the repository."""
    bytes: int = Field(ge=0)
    sha256: str = Field("", pattern="^([0-9a-f]{64})?$")
    git: str = Field("", pattern="^([0-9a-f]{40})?$")
    """Git's digest of a small file, for which the hub tells no SHA-256: SHA-1 of `blob <bytes>`, NUL, content."""


class HubLock(BaseModel):
    """Repository -> commit, and path in the model's folder -> file."""

    model_config = ConfigDict(frozen=True)

    repos: Mapping[str, str] = Field(default_factory=dict)
    files: Mapping[str, LockedFile] = Field(default_factory=dict)

    @property
    def revision(self) -> str:
        """Its commits in words."""
        return ", ".join(f"{repo}@{commit}" for repo, commit in self.repos.items())

    def differences(self, others: Mapping[str, LockedFile]) -> list[str]:
        """What the hub says now that is not what was locked: in words, a line for each file."""
        pairs = ((path, self.files[path], other) for path, other in others.items() if path in self.files)
        return [f"{path}: {what}" for path, locked, other in pairs if (what := _difference(locked, other))]


def read(path: Path) -> HubLock | None:
    """The lock at this path; None if there is none. Raises `PullFailed` for one that cannot be read."""
    try:
        return HubLock.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not such a file"
        raise PullFailed(f"{path}: the lock of the model cannot be read ({why}); remove it to lock the newest") from exc


def write(path: Path, lock: HubLock) -> None:
    """Put the lock there; raises the system's `OSError`."""
    with whole_file(path) as draft:
        draft.write_text(lock.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _difference(locked: LockedFile, other: LockedFile) -> str:
    if locked.bytes and other.bytes and locked.bytes != other.bytes:
        return f"{other.bytes:,} bytes, locked are {locked.bytes:,}"
    for name, one, two in (("SHA-256", locked.sha256, other.sha256), ("git's digest", locked.git, other.git)):
        if one and two and one != two:
            return f"{name} {two}, locked is {one}"
    return ""
