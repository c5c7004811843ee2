"""A model's files: are they all there, which of them is broken, and a digest that tells two sets apart.

Shared by the adapters that load weights from a folder. It keeps nothing in memory; the
packages that read a format are imported inside the functions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tasks.errors import CatalogError, ModelLoadError
from workers.adapters.hardware import one_line

WHOLE_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
BLOCKS = 32


def folder_of(path: str | None, place: str, what: str) -> Path:
    """The model's folder as the catalog gives it; raises `CatalogError` where it gives none."""
    if path is None:
        raise CatalogError(f"{place} path: is missing; it names {what}")
    return Path(path)


def require(folder: Path, names: Sequence[str], place: str, get_them: str) -> None:
    """Raise `ModelLoadError` that names what is missing in `folder` or empty, and how to get it."""
    if not folder.is_dir():
        raise ModelLoadError(f"{place} path: there is no folder {folder}; {get_them}")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelLoadError(f"{place} path: {folder} lacks {', '.join(missing)}; {get_them}")
    if empty := [name for name in names if not (folder / name).stat().st_size]:
        raise ModelLoadError(f"{place} path: {folder / empty[0]} is empty; {get_them}")


def digest(files: Iterable[Path]) -> str:
    """16 hex digits that stand for the content of `files`, by their names too, in order.

    A file of up to 4 MiB is read whole. Of a larger one: its length, and 32 blocks of 64 KiB
    from its first byte to its last, evenly spread: gigabytes would cost seconds, other weights
    differ all over, and the last block of a torch file holds a checksum of every tensor.
    No time of change goes in: a copy on another host has the same digest.
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


def blame(files: Sequence[Path], error: BaseException) -> str:
    """Why a load failed, in one line: the first file that its own format's reader refuses, else what was raised.

    Slow, as it reads them all: for when a load has failed.
    """
    for path in files:
        try:
            _read(path)
        except Exception as exc:  # each reader has errors of its own
            return f"{path} cannot be read: {one_line(exc)}"
    return f"{files[0].parent} cannot be loaded: {type(error).__name__}: {one_line(error)}"


def _read(path: Path) -> None:
    """Read one file by what its suffix says it is, and forget it; an unknown one passes."""
    match path.suffix:
        case ".json":
            json.loads(path.read_text(encoding="utf-8"))
        case ".pt" | ".bin":
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
