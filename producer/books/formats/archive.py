"""Reads members of a zip file into memory, within limits; nothing from it ever touches the disk.

Sizes in a zip's header are what its maker says, so each member is read with a cap and
counted as it is unpacked. Every fault is an `InvalidInput` of one line that begins with the
file's name.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import unquote

from tasks.errors import InvalidInput

MAX_ENTRIES = 20_000
"""The largest EPUBs, a picture a page, have a few thousand files."""

MAX_ENTRY_BYTES = 32 * 1024**2
"""One file of text unpacked; `War and Peace` whole is 4 MB of XHTML."""

MAX_TOTAL_BYTES = 128 * 1024**2
"""All files of text unpacked; more than MAX_TEXT_CHARS of a job allows for."""

MAX_RATIO = 100
"""Unpacked to packed. XHTML reaches about 15; deflate's limit, which bombs are near, is 1,032."""

RATIO_FREE_BYTES = 1024**2
"""Smaller files may have any ratio: an empty table packs well, and is harmless."""

_READ_BYTES = 256 * 1024
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What the EPUB standard permits. Others would unpack a block of any size at once."""


class Archive:
    """An open zip file; use it as a context manager. `name` is the file's, for errors."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._unpacked = 0

    def __enter__(self) -> Self:
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError) as exc:
            raise self.fault(f"a damaged zip archive ({exc}); get the file again") from exc
        if len(self._zip.filelist) > MAX_ENTRIES:
            self._zip.close()
            raise self.fault(f"holds {len(self._zip.filelist)} files; at most {MAX_ENTRIES} are read")
        self._members = self._zip.NameToInfo
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()

    def fault(self, words: str) -> InvalidInput:
        """The error that says `words` of this file, in one line."""
        return InvalidInput(f"{self.name}: {' '.join(words.split())}")

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def read(self, member: str) -> bytes:
        """The member unpacked; raises `InvalidInput` where it is missing, damaged, encrypted or too large."""
        info = self._members.get(member)
        if info is None or self._zip is None:
            raise self.fault(f"damaged: {member} is named in it, and is not there")
        if info.flag_bits & 0x1:
            raise self.fault("protected by a password; remove it first")
        if info.compress_type not in _METHODS:
            raise self.fault(f"{member} is packed in a way that EPUB does not permit")
        try:
            with self._zip.open(info) as packed:
                return self._unpack(packed, info)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as exc:
            raise self.fault(f"damaged at {member} ({exc}); get the file again") from exc

    def _unpack(self, packed: IO[bytes], info: zipfile.ZipInfo) -> bytes:
        data = bytearray()
        while block := packed.read(_READ_BYTES):
            data += block
            self._unpacked += len(block)
            if len(data) > MAX_ENTRY_BYTES or self._unpacked > MAX_TOTAL_BYTES:
                raise self.fault(f"{info.filename} unpacks to more than is read of a book; is this a book?")
            if len(data) > RATIO_FREE_BYTES and len(data) > MAX_RATIO * info.compress_size:
                raise self.fault(f"{info.filename} unpacks to over {MAX_RATIO} times its size; is this a book?")
        return bytes(data)


def resolve(base: str, reference: str) -> tuple[str, str]:
    """Member and fragment that a reference in the member `base` names; the member is "" for foreign addresses."""
    path, _, fragment = reference.partition("#")
    path, fragment = unquote(path.partition("?")[0]), unquote(fragment)
    if "://" in path or path.startswith(("mailto:", "data:")):
        return "", ""
    if not path:
        return base, fragment
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), path)).lstrip("/"), fragment
