"""Finds the files of an artifact by its name: one file, or a pointer and its data. Writes and removes nothing.

Without a listing: both layouts have names that follow from the artifact's name. On a local disk a look opens the one
file and reads its end. Elsewhere the one file and the pointer are asked for at once and whole, because a trip takes
longer than the bytes of a small file, and not every file system reads a file from its end.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import Any

from tasks.store.file_system import is_local, modified
from tasks.store.names import Artifact, from_pointer, pointer_name
from tasks.store.trailer import LOOK_BYTES, from_trailer, trailer_bytes


@dataclass(frozen=True)
class Found:
    """An artifact, and the full paths of its files.

    `data` is there if a single file was read whole, `modified_s` (seconds since 1970) if the look has seen the file.
    """

    artifact: Artifact
    data_path: str
    pointer_path: str
    is_single: bool
    data: bytes | None = None
    modified_s: float | None = None

    @property
    def proof(self) -> str:
        """The file without which there is no artifact."""
        return self.data_path if self.is_single else self.pointer_path


def look(fs: Any, root: str, name: str, whole: bool = False) -> Found | None:
    """The artifact of this name, `whole` with the data of a single file; None if there is none.

    A single file is complete then. Of a pair the data is not looked at: `seen` does that.
    """
    path, pointer = f"{root}/{name}", f"{root}/{pointer_name(name)}"
    if is_local(fs):
        return _single_here(root, name, whole) or _pair(root, name, _read_here(pointer))
    if getattr(fs, "async_impl", False):
        single, pointed = fs.cat_ranges([path, pointer], [None, None], [None, None], on_error="return")
        # What the file system says of the pointer counts only without a single file: it may refuse to say «missing».
        return _single(root, name, _content(single)) or _pair(root, name, _content(pointed))
    return _single(root, name, _read(fs, path)) or _pair(root, name, _read(fs, pointer))


def seen(fs: Any, found: Found) -> float | None:
    """When the data was written or noted, in seconds since 1970; None if it is gone or not as long as it should be."""
    if found.modified_s is not None:
        return found.modified_s
    try:
        about = fs.info(found.data_path)
    except FileNotFoundError:
        return None
    return modified(about) if found.is_single or about["size"] == found.artifact.bytes else None


def _single_here(root: str, name: str, whole: bool) -> Found | None:
    path = f"{root}/{name}"
    try:
        file = io.FileIO(path)
    except FileNotFoundError:
        return None
    with file:
        about = os.fstat(file.fileno())
        if whole:
            content = file.readall()
            found = _single(root, name, content, about.st_mtime)
        else:
            end = _end(file.fileno(), about.st_size)
            artifact = from_trailer(name, end, about.st_size)
            found = _found(root, artifact, True, None, about.st_mtime) if artifact else None
    return found


def _end(descriptor: int, size: int) -> bytes:
    """The end of a file with its trailer, or without if it has none."""
    end = os.pread(descriptor, LOOK_BYTES, max(0, size - LOOK_BYTES))
    longer = trailer_bytes(end)
    return os.pread(descriptor, longer, size - longer) if LOOK_BYTES < longer <= size else end


def _single(root: str, name: str, content: bytes | None, modified_s: float | None = None) -> Found | None:
    artifact = from_trailer(name, content, len(content)) if content else None
    if artifact is None or content is None:
        return None
    return _found(root, artifact, True, content[: artifact.bytes], modified_s)


def _pair(root: str, name: str, pointed: bytes | None) -> Found | None:
    artifact = from_pointer(name, pointed) if pointed else None
    return _found(root, artifact, False) if artifact else None


def _found(
    root: str, artifact: Artifact, is_single: bool, data: bytes | None = None, modified_s: float | None = None
) -> Found:
    data_path = f"{root}/{artifact.name if is_single else artifact.data_name}"
    return Found(artifact, data_path, f"{root}/{artifact.pointer_name}", is_single, data, modified_s)


def _read_here(path: str) -> bytes | None:
    try:
        with io.FileIO(path) as file:
            return file.readall()
    except FileNotFoundError:
        return None


def _read(fs: Any, path: str) -> bytes | None:
    try:
        content: bytes = fs.cat_file(path)
    except FileNotFoundError:
        return None
    return content


def _content(answer: bytes | Exception) -> bytes | None:
    if isinstance(answer, FileNotFoundError):
        return None
    if isinstance(answer, Exception):
        raise answer
    return answer
