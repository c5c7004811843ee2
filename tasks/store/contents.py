"""What a store contains, folder by folder, and the removal of what is no longer wanted. Decides nothing.

The unit is all that lies under one name: an artifact's single file, its pointer, and every data file that was written
for it. Only files with the name of an artifact, and drafts, are listed or removed: a folder of other files that
somebody took for a store loses none of them. A folder has about a 256th of a kind, so one listing is of bounded size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tasks.errors import StoreError
from tasks.store.artifacts import Store
from tasks.store.file_system import modified, remove_unless_newer
from tasks.store.writing import DRAFTS

FOLDER = re.compile(rf"[0-9a-f]{{2}}|{re.escape(DRAFTS)}")
FILE = re.compile(r"(?P<key>[0-9a-f]{64})\.([0-9a-f]{16}\.)?[a-z0-9]{1,8}(?P<pointer>\.json)?")
DRAFT = re.compile(r"\..*\.part")


@dataclass(frozen=True)
class StoredFile:
    """One file: its name below the store's root, its size, and when it was written or noted (0: not known)."""

    name: str
    bytes: int
    modified_s: float


@dataclass(frozen=True)
class Stored:
    """All that lies under one name, such as `speech/ab/abcd…` (without an extension), pointers first."""

    name: str
    files: tuple[StoredFile, ...]

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def used_s(self) -> float:
        """When it was last written or used, in seconds since 1970; 0 if the file system does not report it."""
        return max(file.modified_s for file in self.files)


@dataclass(frozen=True)
class Folder:
    """What a folder contains; `entries` is the length of the listing, other files included."""

    stored: tuple[Stored, ...]
    drafts: tuple[StoredFile, ...]
    entries: int


def folders(store: Store, after: str, passed_over: Callable[[StoreError], None]) -> Iterator[str]:
    """The folders with artifacts that come after the folder `after`, in order: `speech/ab`.

    Raises `StoreError` if the root cannot be listed; a kind that cannot be listed is passed over.
    """
    with store.speaking("cannot be listed"):
        fs, root = store.opened()
        kinds = _folders_in(fs, root)
    for kind in kinds:
        if kind < after.partition("/")[0]:
            continue
        try:
            with store.speaking(f"{kind} cannot be listed"):
                inside = _folders_in(fs, f"{root}/{kind}")
        except StoreError as exc:
            passed_over(exc)
            continue
        yield from (f"{kind}/{name}" for name in inside if FOLDER.fullmatch(name) and f"{kind}/{name}" > after)


def listed(store: Store, folder: str) -> Folder:
    """The content of one folder; empty if it is gone. Raises `StoreError`."""
    with store.speaking(f"{folder} cannot be listed"):
        fs, root = store.opened()
        found = _ls(fs, f"{root}/{folder}")
    groups: dict[str, list[StoredFile]] = {}
    drafts: list[StoredFile] = []
    for about in found:
        name = str(about["name"]).rpartition("/")[2]
        file = StoredFile(f"{folder}/{name}", int(about.get("size") or 0), modified(about))
        match = FILE.fullmatch(name)
        if match and match["key"].startswith(folder.rpartition("/")[2]):
            groups.setdefault(f"{folder}/{match['key']}", []).append(file)
        elif DRAFT.fullmatch(name):
            drafts.append(file)
    # A pointer ends with .json, and so does data that is JSON: that one has the digest in its name.
    stored = [Stored(name, tuple(sorted(files, key=_is_data))) for name, files in sorted(groups.items())]
    return Folder(tuple(stored), tuple(drafts), len(found))


def remove(store: Store, stored: Stored) -> bool:
    """Remove it, unless it was used since it was listed; False then. Raises `StoreError`."""
    with store.speaking(f"cannot remove {stored.name}"):
        fs, root = store.opened()
        # The pointer first: from then on the artifact does not exist, and is computed again.
        return all(remove_unless_newer(fs, f"{root}/{file.name}", stored.used_s) for file in stored.files)


def remove_draft(store: Store, draft: StoredFile) -> None:
    """Remove what a crash left of a write; does nothing if it is gone. Raises `StoreError`."""
    with store.speaking(f"cannot remove {draft.name}"):
        fs, root = store.opened()
        remove_unless_newer(fs, f"{root}/{draft.name}", draft.modified_s)


def _is_data(file: StoredFile) -> tuple[bool, str]:
    match = FILE.fullmatch(file.name.rpartition("/")[2])
    return (match is None or match[2] is not None or not match["pointer"], file.name)


def _folders_in(fs: Any, path: str) -> list[str]:
    names = (str(about["name"]).rstrip("/").rpartition("/")[2] for about in _ls(fs, path) if _is_folder(about))
    return sorted(names)


def _ls(fs: Any, path: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = fs.ls(path, detail=True)
    except FileNotFoundError:
        return []
    return found


def _is_folder(about: dict[str, Any]) -> bool:
    return about.get("type") == "directory"
