"""Unpacks the pictures in an archive to a folder; each picture is whole or does not exist.

A picture that is there already is not written again. Only names that slotline itself gives are taken, so nothing is
ever written outside of the folder.
"""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import StoreError
from tasks.store.atomic import whole_file
from tasks.store.file_system import BLOCK_BYTES
from tasks.store.scratch import scratch_folder

if TYPE_CHECKING:
    from tasks.store.artifacts import Store

PICTURE = re.compile(r"frame_\d{6,12}\.(jpg|png)")


def unpack(store: Store, artifact: str, folder: Path) -> list[Path]:
    """Write the pictures of an archive in the store; returns their files, in order.

    Raises `ArtifactMissing`, or `StoreError` if it is no archive of pictures or a picture cannot be written.
    """
    with scratch_folder() as scratch:
        store.fetch(artifact, scratch / "pictures.zip")
        try:
            with zipfile.ZipFile(scratch / "pictures.zip") as archive:
                return list(_unpack_all(archive, artifact, folder))
        except (zipfile.BadZipFile, NotImplementedError, EOFError) as exc:
            raise StoreError(f"artifact {artifact} is no archive of pictures: {exc}") from exc


def _unpack_all(archive: zipfile.ZipFile, artifact: str, folder: Path) -> Iterator[Path]:
    for one in archive.infolist():
        if not PICTURE.fullmatch(one.filename):
            raise StoreError(f"artifact {artifact} is no archive of pictures: it has {one.filename[:60]!r}")
        target = folder / one.filename
        try:
            if not _is_there(target, one):
                with archive.open(one) as source, whole_file(target) as draft, draft.open("wb") as file:
                    shutil.copyfileobj(source, file, BLOCK_BYTES)
        except OSError as exc:
            raise StoreError(f"{target} cannot be written: {exc.strerror}") from exc
        yield target


def _is_there(target: Path, one: zipfile.ZipInfo) -> bool:
    if not target.is_file() or target.stat().st_size != one.file_size:
        return False
    found = 0
    with target.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            found = zlib.crc32(block, found)
    return found == one.CRC
