"""The artifact store: files named by what went into them, on any fsspec file system.

It keeps bytes and their digests; it knows nothing of audio, jobs or Redis.

An artifact `speech/ab/abcd….wav` is two files:

- `speech/ab/abcd….<digest>.wav`, the data, named by its own content as well;
- `speech/ab/abcd….wav.json`, the pointer: size, SHA-256 and details of that data.

Data is written first, the pointer last, and the pointer alone decides:

- A crash before the pointer leaves data that nothing names; a crash within either write
  leaves a hidden draft (local), or nothing, or a pointer that is no JSON and counts as none.
- Two writers of one name may bring different bytes (a voice need not be deterministic).
  Their data files are different files, so the pointer that lands last names data that is
  there and fits; who has read the other pointer still reads the other data. What no
  pointer names any more stays until `delete`: a few kilobytes, once in a race.
- Data is checked against the digest whenever it is read. What proves damaged loses its
  pointer, so that `find` says no from then on and it is computed again.

Nothing is synced to the disk: a power cut may cost artifacts, and never serves a wrong one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from tasks.errors import ArtifactMissing, InvalidInput, SlotlineError, StoreError
from tasks.settings import settings
from tasks.store.atomic import whole_file
from tasks.store.names import (
    JSON,
    Artifact,
    checked_name,
    from_pointer,
    is_file_of,
    name_of,
    name_of_bytes,
    pointer_name,
    to_pointer,
)

__all__ = ["JSON", "Artifact", "Store", "StoredFile", "name_of", "store"]

log = logging.getLogger(__name__)

BLOCK_BYTES = 1024 * 1024
TEXT_KIND = "text"
DRAFTS = ".drafts"
"""Folder of a kind in which a local store writes before it renames: ext4 takes ten times as long to make files here
and there in 256 folders as in one."""


@dataclass(frozen=True)
class StoredFile:
    """One file of the store: its name below the root, its size, and when it was written (seconds since 1970)."""

    name: str
    bytes: int
    modified: float


class Store:
    """The artifacts below one URL. All methods raise `StoreError` with the file system's own words."""

    def __init__(self, url: str) -> None:
        """Keep the place, open nothing: an fsspec URL, or a bare path, which is a local folder."""
        self._url = url if "://" in url else str(Path(url).expanduser().absolute())
        self._opened: tuple[int, Any, str] | None = None

    @property
    def place(self) -> str:
        """The store's URL as it may be shown: without a password."""
        return re.sub(r"://[^/@]*@", "://…@", self._url)

    def check(self) -> None:
        """Write, read and delete a small file; raises `StoreError` naming the place and the reason."""
        with self._speaking("cannot be written (SLOTLINE_STORE_URL)"):
            fs, root = self._open()
            probe = f"{root}/.check-{secrets.token_hex(6)}"
            _write(fs, probe, b"slotline")
            content = fs.cat_file(probe)
            fs.rm_file(probe)
        if content != b"slotline":
            raise StoreError(f"store {self.place}: gives back other bytes than were written (SLOTLINE_STORE_URL)")

    def find(self, name: str) -> Artifact | None:
        """The artifact if it is complete: its pointer is there and its data has the size told. Hashes nothing."""
        checked_name(name)
        with self._speaking(f"cannot look for {name}"):
            fs, root = self._open()
            artifact = _pointed(fs, root, name)
            if artifact is None:
                return None
            try:
                size = fs.info(f"{root}/{artifact.data_name}")["size"]
            except FileNotFoundError:
                return None
            return artifact if size == artifact.bytes else None

    def put_bytes(self, name: str, data: bytes, details: Mapping[str, Any] | None = None) -> Artifact:
        """Write an artifact, over one of the same name if there is one."""
        digest = hashlib.sha256(data).hexdigest()
        artifact = Artifact(checked_name(name), len(data), digest, dict(details or {}))
        self._put(artifact, data)
        return artifact

    def put_file(self, name: str, path: Path, details: Mapping[str, Any] | None = None) -> Artifact:
        """Write an artifact from a local file, which stays; in constant memory."""
        checked_name(name)
        with self._speaking(f"cannot take {name} from {path}"):
            size, digest = _size_and_digest(path)
        artifact = Artifact(name, size, digest, dict(details or {}))
        self._put(artifact, path)
        return artifact

    def read_bytes(self, name: str) -> bytes:
        """The data, verified; raises `ArtifactMissing` where it is absent, truncated or foreign."""
        checked_name(name)
        with self._speaking(f"cannot read {name}"):
            fs, root = self._open()
            artifact = self._pointed_or_missing(fs, root, name)
            try:
                data: bytes = fs.cat_file(f"{root}/{artifact.data_name}")
            except FileNotFoundError:
                raise ArtifactMissing(f"artifact {name} has lost its data in {self.place}") from None
            if hashlib.sha256(data).hexdigest() != artifact.sha256:
                raise _damaged(fs, root, artifact, len(data))
        return data

    def fetch(self, name: str, target: Path) -> Artifact:
        """Copy the data to a local file, verified, in constant memory; `target` is complete or untouched.

        Raises `ArtifactMissing` like `read_bytes`.
        """
        checked_name(name)
        with self._speaking(f"cannot copy {name} to {target}"):
            fs, root = self._open()
            artifact = self._pointed_or_missing(fs, root, name)
            try:
                source = fs.open(f"{root}/{artifact.data_name}", "rb", block_size=4 * BLOCK_BYTES)
            except FileNotFoundError:
                raise ArtifactMissing(f"artifact {name} has lost its data in {self.place}") from None
            with source, whole_file(target) as draft:
                size, digest = _copy(source, draft)
                if digest != artifact.sha256:
                    raise _damaged(fs, root, artifact, size)
        return artifact

    def delete(self, name: str) -> None:
        """Remove the artifact and whatever data was ever written under its name; harmless if there is none."""
        folder = PurePosixPath(checked_name(name)).parent
        with self._speaking(f"cannot delete {name}"):
            fs, root = self._open()
            # The pointer first: what is half deleted is already gone.
            with contextlib.suppress(FileNotFoundError):
                fs.rm_file(f"{root}/{pointer_name(name)}")
            with contextlib.suppress(FileNotFoundError):
                for path in fs.ls(f"{root}/{folder}", detail=False):
                    if is_file_of(PurePosixPath(path).name, name):
                        fs.rm_file(path)

    def files(self) -> Iterator[StoredFile]:
        """Every file below the root, drafts included, in no order."""
        with self._speaking("cannot be listed"):
            fs, root = self._open()
            found = fs.find(root, detail=True) if fs.exists(root) else {}
        for path, about in found.items():
            yield StoredFile(str(path)[len(root) + 1 :], int(about.get("size") or 0), _modified(about))

    def remove_file(self, file_name: str) -> None:
        """Remove one file that `files` named; harmless if it is gone."""
        with self._speaking(f"cannot remove {file_name}"), contextlib.suppress(FileNotFoundError):
            fs, root = self._open()
            fs.rm_file(f"{root}/{file_name}")

    def put_text(self, text: str) -> str:
        """Keep a text, named by its content; returns its name. Writes nothing if it is there already."""
        try:
            data = text.encode()
        except UnicodeEncodeError as exc:
            raise InvalidInput(f"text: character {exc.start} is a lone surrogate, which UTF-8 cannot say") from exc
        name = name_of_bytes(TEXT_KIND, "txt", data)
        if self.find(name) is None:
            self.put_bytes(name, data)
        return name

    def read_text(self, name: str) -> str:
        """The text of that name, verified; raises `InvalidInput` for what is no text, else like `read_bytes`."""
        if not name.startswith(f"{TEXT_KIND}/"):
            raise InvalidInput(f"text_ref: {name[:60]!r} names no text (they look like text/ab/abcdef.txt)")
        try:
            return self.read_bytes(name).decode()
        except UnicodeDecodeError as exc:
            raise InvalidInput(f"text_ref: {name} is not UTF-8") from exc

    def _open(self) -> tuple[Any, str]:
        """The file system and the root in it; opened anew after a fork, which asynchronous ones do not survive."""
        if self._opened is None or self._opened[0] != os.getpid():
            import fsspec  # 0.1 s: not at import

            if "://" in self._url:
                # No listings kept: other workers write here.
                fs, root = fsspec.core.url_to_fs(self._url, use_listings_cache=False)
            else:
                fs, root = fsspec.filesystem("file"), self._url
            self._opened = os.getpid(), fs, root.rstrip("/")
        return self._opened[1], self._opened[2]

    def _put(self, artifact: Artifact, content: bytes | Path) -> None:
        pointer = to_pointer(artifact).encode()
        with self._speaking(f"cannot write {artifact.name}"):
            fs, root = self._open()
            # Data first: a pointer never names what is not there yet.
            drafts = Path(root, PurePosixPath(artifact.name).parts[0], DRAFTS)
            _write(fs, f"{root}/{artifact.data_name}", content, drafts)
            _write(fs, f"{root}/{artifact.pointer_name}", pointer, drafts)

    def _pointed_or_missing(self, fs: Any, root: str, name: str) -> Artifact:
        artifact = _pointed(fs, root, name)
        if artifact is None:
            raise ArtifactMissing(f"artifact {name} is not in {self.place}")
        return artifact

    @contextlib.contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        """Turn whatever the file system raises into one `StoreError` that says what failed, and why."""
        try:
            yield
        except (SlotlineError, MemoryError):
            raise
        except Exception as exc:  # the store's library raises errors of its own, which cannot be named here
            raise StoreError(f"store {self.place}: {what}: {_words(exc)}") from exc


def _modified(about: Mapping[str, Any]) -> float:
    """When a file was last written, seconds since 1970, as the file systems of fsspec tell it; 0 where they do not."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        told = about.get(key)
        if isinstance(told, int | float):
            return float(told)
        if isinstance(told, datetime):
            return told.timestamp()
    return 0.0


def _is_local(fs: Any) -> bool:
    return bool(getattr(fs, "local_file", False))


def _write(fs: Any, path: str, content: bytes | Path, drafts: Path | None = None) -> None:
    """Put content at a full path: by rename on a local disk, elsewhere as that file system commits a file."""
    if _is_local(fs):
        with whole_file(Path(path), drafts) as draft:
            if isinstance(content, Path):
                shutil.copyfile(content, draft)
            else:
                draft.write_bytes(content)
        return
    try:
        _send(fs, path, content)
    except FileNotFoundError:
        # Only where folders are real (sftp, smb): an object store would be asked for a bucket.
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        _send(fs, path, content)


def _send(fs: Any, path: str, content: bytes | Path) -> None:
    if isinstance(content, Path):
        fs.put_file(str(content), path)
    else:
        fs.pipe_file(path, content)


def _pointed(fs: Any, root: str, name: str) -> Artifact | None:
    try:
        return from_pointer(name, fs.cat_file(f"{root}/{pointer_name(name)}"))
    except FileNotFoundError:
        return None


def _damaged(fs: Any, root: str, artifact: Artifact, size: int) -> ArtifactMissing:
    """Take a damaged artifact's pointer away, unless it was written anew meanwhile; returns what to raise."""
    told = f"artifact {artifact.name} is damaged: {size} bytes that are not the {artifact.bytes} written"
    log.warning("%s; it is dropped, to be computed again", told)
    with contextlib.suppress(OSError):  # who may only read still gets the answer
        if _pointed(fs, root, artifact.name) == artifact:
            fs.rm_file(f"{root}/{artifact.pointer_name}")
    return ArtifactMissing(told)


def _copy(source: Any, target: Path) -> tuple[int, str]:
    """Copy an open binary file to a path; returns how many bytes, and their SHA-256."""
    hashed, size = hashlib.sha256(), 0
    with target.open("wb") as out:
        while block := source.read(BLOCK_BYTES):
            hashed.update(block)
            size += out.write(block)
    return size, hashed.hexdigest()


def _size_and_digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _words(exc: Exception) -> str:
    """What an error says, in one line."""
    said = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return " ".join(said.split()) or type(exc).__name__


@functools.cache
def _store_at(url: str) -> Store:
    return Store(url)


def store() -> Store:
    """This process's store, at the place that the settings name."""
    return _store_at(settings().store)
