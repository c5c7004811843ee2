"""A model's files: checks that all exist, finds a broken one, and computes a digest of their content.

Adapters that load weights from a folder share it. It keeps nothing in memory; the packages
that read a format are imported inside the functions.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tasks.errors import CatalogError, ModelLoadError
from workers.adapters.hardware import one_line

WHOLE_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
BLOCKS = 32

LOOKED_AT = 64
"""The files of a subfolder that `mark_of` looks at one by one; more are pictures."""


def folder_of(path: str | None, place: str, what: str) -> Path:
    """The model's folder in the catalog; raises `CatalogError` if there is none."""
    if path is None:
        raise CatalogError(f"{place} path: is missing; it names {what}")
    return Path(path)


def require(folder: Path, names: Sequence[str], place: str, get_them: str) -> None:
    """Raise `ModelLoadError` with the missing or empty files in `folder`, and how to get them."""
    if not folder.is_dir():
        raise ModelLoadError(f"{place} path: there is no folder {folder}; {get_them}")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelLoadError(f"{place} path: {folder} lacks {', '.join(missing)}; {get_them}")
    if empty := [name for name in names if not (folder / name).stat().st_size]:
        raise ModelLoadError(f"{place} path: {folder / empty[0]} is empty; {get_them}")


def require_one(folder: Path, kind: str, names: Sequence[str], place: str, get_them: str) -> None:
    """Raise `ModelLoadError` if `folder` has none of the files, which are forms of one thing (`weights`)."""
    if not any((folder / name).is_file() for name in names):
        raise ModelLoadError(f"{place} path: {folder} has no {kind} ({', '.join(names)}); {get_them}")


def digest(files: Iterable[Path]) -> str:
    """16 hex digits: a hash of the names and the content of `files`, in order.

    A file of up to 4 MiB is read whole. Of a larger file its length is used, and 32 blocks of
    64 KiB, evenly spread from its begin to its end. Reading gigabytes would take seconds; other
    weights differ everywhere, and the last block of a torch file has a checksum of every tensor.
    Times of files are not used: a copy on another host has the same digest.
    """
    sha = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        sha.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as file:
            if size <= WHOLE_BYTES:
                sha.update(file.read())
                continue
            for block in range(BLOCKS):
                file.seek((size - BLOCK_BYTES) * block // (BLOCKS - 1))
                sha.update(file.read(BLOCK_BYTES))
    return sha.hexdigest()[:16]


@contextlib.contextmanager
def unchanged(files: Sequence[Path], place: str) -> Iterator[None]:
    """Raise `ModelLoadError` after the block if one of these files was written or replaced meanwhile.

    So a digest that is read in the block is that of the weights that were loaded in it, also if somebody fetches the
    model again at that moment. Times and inodes tell it; a load does not write.
    """
    before = [_stamp(path) for path in files]
    yield
    if changed := next((path for path, stamp in zip(files, before, strict=True) if _stamp(path) != stamp), None):
        raise ModelLoadError(f"{place} path: {changed} was changed while it was loaded")


def mark_of(path: Path) -> str:
    """A word that changes when a model's file or folder is replaced, or a file in it; empty if there is nothing.

    Quick: it reads no file. Of a folder it looks at two levels; in a subfolder with many files (pictures) only files
    that are added, removed or replaced are noticed. Files and folders whose names begin with a dot are not looked at:
    what is written there is not in use yet.
    """
    found: list[object] = []
    with contextlib.suppress(OSError):
        stamp = _stamp(path)
        # A folder's own size and time say only that something was added or removed in it, also what is not looked at.
        found.append(stamp[:2] if stamp and path.is_dir() else stamp)
        for one in _entries(path):
            found += [one.name, _stamp(Path(one.path))]
            inside = _entries(Path(one.path)) if one.is_dir() else []
            found += [(inner.name, _stamp(Path(inner.path))) for inner in inside if len(inside) <= LOOKED_AT]
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16] if found and found[0] else ""


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def blame(files: Sequence[Path], error: BaseException) -> str:
    """Why a load failed, in one line: the first file that cannot be read, else the error itself.

    It is slow, because it reads all files; it is called only after a failed load.
    """
    for path in files:
        try:
            _read(path)
        except Exception as exc:  # each reader has its own errors
            return f"{path} cannot be read: {one_line(exc)}"
    return f"{files[0].parent} cannot be loaded: {type(error).__name__}: {one_line(error)}"


def _read(path: Path) -> None:
    """Read one file by its suffix; a file with an unknown suffix is accepted."""
    match path.suffix:
        case ".json":
            json.loads(path.read_text(encoding="utf-8"))
        case ".pt" | ".pth" | ".bin":
            import torch

            torch.load(path, map_location="cpu", weights_only=True)
        case ".zip":
            import torch

            torch.jit.load(path, map_location="cpu")
        case ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="pt") as file:
                file.keys()
        case ".onnx":
            import onnxruntime

            onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
