"""The artifact store: files with names that are hashes of their ingredients, on any fsspec file system.

It keeps bytes and their digests; it knows nothing of audio, jobs or Redis.

A small artifact `speech/ab/abcd….wav` is one file of this name: its data, and behind it a trailer with size, SHA-256
and details (`tasks/store/trailer.py`). A larger one is two files, as all were in earlier versions:

- `speech/ab/abcd….<digest>.wav`, the data; its name also has the digest of its content;
- `speech/ab/abcd….wav.json`, the pointer: size, SHA-256 and details of the data.

An artifact exists only when its one file is whole, or its pointer exists; the one file comes first (`lookup.py`):

- Of two files the data is written first, the pointer last. A crash during a write leaves a hidden draft (on a local
  disk), nothing, data without a pointer, or a file without a valid trailer or pointer, which is ignored.
- Two writers of one name may write different bytes (a voice need not be deterministic). One file replaces the
  other as a whole. Two data files have different names, so the pointer that is written last names existing and
  fitting data, and a reader of the other pointer still finds the other data. Data without a pointer stays until
  `delete`: it is rare, and retention removes it with its name.
- Data is checked against the digest whenever it is read. When it is damaged, the artifact is removed. Then `find`
  returns None, and the artifact is computed again.

Nothing is synced to the disk: a power failure may lose artifacts, but never gives wrong data.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from tasks.errors import ArtifactMissing, InvalidInput, SlotlineError, StoreError
from tasks.settings import settings, without_password
from tasks.store.atomic import whole_file
from tasks.store.file_system import BLOCK_BYTES, copy, size_and_digest, words, write
from tasks.store.hashed_file import HashedFile, hashed_file
from tasks.store.lookup import Found, look
from tasks.store.names import (
    JSON,
    Artifact,
    checked_name,
    is_file_of,
    name_of,
    name_of_bytes,
    name_of_digest,
    pointer_name,
)
from tasks.store.use import UseNotes
from tasks.store.writing import draft_of, place

__all__ = ["JSON", "Artifact", "Store", "name_of", "store"]

log = logging.getLogger(__name__)

TEXT_KIND = "text"

Write: TypeAlias = Callable[[HashedFile], Mapping[str, JSON]]
"""Fills a file, which is hashed meanwhile, and returns an artifact's details."""


class Store:
    """The artifacts below one URL. All methods raise `StoreError` with the file system's own message."""

    def __init__(self, url: str) -> None:
        """`url` is an fsspec URL, or a path of a local folder. Opens nothing."""
        self._url = url if "://" in url else str(Path(url).expanduser().absolute())
        self._opened: tuple[int, Any, str] | None = None
        self._notes = UseNotes()

    @property
    def place(self) -> str:
        """The store's URL without a password, for messages."""
        return without_password(self._url)

    def check(self) -> None:
        """Write, read and delete a small file; raises `StoreError` naming the place and the reason."""
        with self.speaking("cannot be written (SLOTLINE_STORE_URL)"):
            fs, root = self.opened()
            probe = f"{root}/.check-{secrets.token_hex(6)}"
            write(fs, probe, b"slotline")
            content = fs.cat_file(probe)
            fs.rm_file(probe)
        if content != b"slotline":
            raise StoreError(f"store {self.place}: returns other bytes than were written (SLOTLINE_STORE_URL)")

    def find(self, name: str) -> Artifact | None:
        """The artifact if it is complete: all its files are there, and as long as they should be. Computes no hash.

        This counts as a use of the artifact (`tasks/store/use.py`), as `read_bytes` and `fetch` do.
        """
        checked_name(name)
        with self.speaking(f"cannot look for {name}"):
            fs, root = self.opened()
            found = look(fs, root, name)
            return found.artifact if found and self._notes.note(fs, found) else None

    def put_bytes(self, name: str, data: bytes, details: Mapping[str, Any] | None = None) -> Artifact:
        """Write an artifact; replaces one of the same name."""
        digest = hashlib.sha256(data).hexdigest()
        return self._put(Artifact(checked_name(name), len(data), digest, dict(details or {})), data)

    def put_file(self, name: str, path: Path, details: Mapping[str, Any] | None = None) -> Artifact:
        """Write an artifact from a local file, which is kept; in constant memory."""
        checked_name(name)
        with self.speaking(f"cannot read {path} for {name}"):
            size, digest = size_and_digest(path)
        return self._put(Artifact(name, size, digest, dict(details or {})), path)

    def put_written(self, name: str, write: Write) -> Artifact:
        """Write an artifact piece by piece.

        In constant memory, and on a local disk without a copy. If `write` raises, nothing is stored; an `OSError` of
        its becomes a `StoreError`.
        """
        checked_name(name)
        with self._drafted(name, write) as (draft, size, digest, details):
            return self._put(Artifact(name, size, digest, details), draft, is_draft=True)

    def put_content(self, kind: str, extension: str, write: Write) -> Artifact:
        """Like `put_written`, under a name from the content; if that artifact is there already, it stays."""
        with self._drafted(f"{kind}/new.{extension}", write) as (draft, size, digest, details):
            name = name_of_digest(kind, extension, digest)
            return self.find(name) or self._put(Artifact(name, size, digest, details), draft, is_draft=True)

    def read_bytes(self, name: str) -> bytes:
        """The data, verified; raises `ArtifactMissing` if it is missing, too short or different."""
        return self.read(name)[1]

    def read(self, name: str) -> tuple[Artifact, bytes]:
        """The artifact and its data, like `read_bytes`."""
        checked_name(name)
        with self.speaking(f"cannot read {name}"):
            fs, root = self.opened()
            found = self._found_or_missing(fs, root, name)
            try:
                data: bytes = fs.cat_file(found.data_path) if found.data is None else found.data
            except FileNotFoundError:
                raise ArtifactMissing(f"the data of artifact {name} is missing in {self.place}") from None
            if hashlib.sha256(data).hexdigest() != found.artifact.sha256:
                raise _damaged(fs, root, found, len(data))
            self._note_read(fs, found)
        return found.artifact, data

    def fetch(self, name: str, target: Path) -> Artifact:
        """Copy the data to a local file, verified, in constant memory; `target` is complete or unchanged.

        Raises `ArtifactMissing` like `read_bytes`.
        """
        checked_name(name)
        with self.speaking(f"cannot copy {name} to {target}"):
            fs, root = self.opened()
            found = self._found_or_missing(fs, root, name)
            try:
                source = io.BytesIO(found.data) if found.data is not None else _opened_at(fs, found.data_path)
            except FileNotFoundError:
                raise ArtifactMissing(f"the data of artifact {name} is missing in {self.place}") from None
            with source, whole_file(target) as draft:
                size, digest = copy(source, draft)
                if digest != found.artifact.sha256:
                    raise _damaged(fs, root, found, size)
            self._note_read(fs, found)
        return found.artifact

    def delete(self, name: str) -> None:
        """Remove the artifact and all data that was ever written under its name; does nothing if there is none."""
        folder = PurePosixPath(checked_name(name)).parent
        with self.speaking(f"cannot delete {name}"):
            fs, root = self.opened()
            # Data without a pointer last: after a crash in between, the artifact does not exist any more.
            for first in (name, pointer_name(name)):
                with contextlib.suppress(FileNotFoundError):
                    fs.rm_file(f"{root}/{first}")
            with contextlib.suppress(FileNotFoundError):
                for path in fs.ls(f"{root}/{folder}", detail=False):
                    if is_file_of(PurePosixPath(path).name, name):
                        fs.rm_file(path)

    def put_text(self, text: str) -> str:
        """Store a text under a name from its content; returns the name. Writes nothing if it is stored already."""
        try:
            data = text.encode()
        except UnicodeEncodeError as exc:
            raise InvalidInput(f"text: character {exc.start} is a lone surrogate, which UTF-8 cannot encode") from exc
        name = name_of_bytes(TEXT_KIND, "txt", data)
        if self.find(name) is None:
            self.put_bytes(name, data)
        return name

    def read_text(self, name: str) -> str:
        """The text of that name, verified; raises `InvalidInput` if it is no text, and like `read_bytes`."""
        if not name.startswith(f"{TEXT_KIND}/"):
            raise InvalidInput(f"text_ref: {name[:60]!r} is not the name of a text (an example: text/ab/abcdef.txt)")
        try:
            return self.read_bytes(name).decode()
        except UnicodeDecodeError as exc:
            raise InvalidInput(f"text_ref: {name} is not UTF-8") from exc

    def opened(self) -> tuple[Any, str]:
        """The file system and the root in it; opened again after a fork, because asynchronous ones need that."""
        if self._opened is None or self._opened[0] != os.getpid():
            import fsspec  # takes 0.1 s, so not at import

            if "://" in self._url:
                # No cached listings: other workers write here too.
                fs, root = fsspec.core.url_to_fs(self._url, use_listings_cache=False)
            else:
                fs, root = fsspec.filesystem("file"), self._url
            self._opened = os.getpid(), fs, root.rstrip("/")
        return self._opened[1], self._opened[2]

    @contextlib.contextmanager
    def _drafted(self, name: str, write: Write) -> Iterator[tuple[Path, int, str, dict[str, JSON]]]:
        """A draft that `write` has filled, its bytes, digest and details; what is left of it is removed."""
        with self.speaking(f"cannot write {name}"):
            fs, root = self.opened()
        with contextlib.ExitStack() as stack:
            with self.speaking(f"cannot write {name}"):
                draft = stack.enter_context(draft_of(fs, root, name))
                file = stack.enter_context(hashed_file(draft))
            try:
                details, digest = dict(write(file)), file.finish()
            except OSError as exc:
                raise StoreError(f"store {self.place}: cannot write {name}: {words(exc)}") from exc
            yield draft, file.bytes, digest, details

    def _put(self, artifact: Artifact, content: bytes | Path, is_draft: bool = False) -> Artifact:
        with self.speaking(f"cannot write {artifact.name}"):
            place(*self.opened(), artifact, content, is_draft)
        return artifact

    def _note_read(self, fs: Any, found: Found) -> None:
        with contextlib.suppress(OSError):  # the data was read, so nothing fails any more
            self._notes.note(fs, found)

    def _found_or_missing(self, fs: Any, root: str, name: str) -> Found:
        found = look(fs, root, name, whole=True)
        if found is None:
            raise ArtifactMissing(f"artifact {name} is not in {self.place}")
        return found

    @contextlib.contextmanager
    def speaking(self, what: str) -> Iterator[None]:
        """Turn any error of the file system into a `StoreError` that says what failed, and why."""
        try:
            yield
        except (SlotlineError, MemoryError):
            raise
        except Exception as exc:  # fsspec's file systems raise errors of their own classes, which are not known here
            raise StoreError(f"store {self.place}: {what}: {words(exc)}") from exc


def _opened_at(fs: Any, path: str) -> Any:
    return fs.open(path, "rb", block_size=4 * BLOCK_BYTES)


def _damaged(fs: Any, root: str, found: Found, size: int) -> ArtifactMissing:
    """Remove a damaged artifact, unless another writer has replaced it; returns the error to raise."""
    artifact = found.artifact
    message = f"artifact {artifact.name} is damaged: its {size} bytes are not the {artifact.bytes} bytes written"
    log.warning("%s; it is removed, to be computed again", message)
    with contextlib.suppress(OSError):  # a reader without write access gets the same error
        now = look(fs, root, artifact.name)
        if now is not None and (now.artifact, now.is_single) == (artifact, found.is_single):
            fs.rm_file(now.proof)
    return ArtifactMissing(message)


@functools.cache
def _store_at(url: str) -> Store:
    return Store(url)


def store() -> Store:
    """This process's store, at the URL of the settings."""
    return _store_at(settings().store)
