"""Writing and reading files on any fsspec file system: whole writes, copies, sizes and digests.

Knows nothing of artifacts or their names; `artifacts.py` builds on it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.store.atomic import whole_file, write_whole

BLOCK_BYTES = 1024 * 1024


def write(fs: Any, path: str, content: bytes | Path, drafts: str = "") -> None:
    """Write content to a full path: by rename on a local disk, otherwise as the file system does it.

    `drafts` is the folder in which a local file is written first; empty: its own.
    """
    if is_local(fs):
        drafts = drafts or path.rpartition("/")[0]
        if isinstance(content, Path):
            with whole_file(Path(path), Path(drafts)) as draft:
                shutil.copyfile(content, draft)
        else:
            write_whole(path, content, drafts)
        return
    try:
        _send(fs, path, content)
    except FileNotFoundError:
        # Only for file systems with real folders (sftp, smb): an object store would try to make a bucket.
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        _send(fs, path, content)


def create(fs: Any, path: str, content: bytes) -> bool:
    """Write a new file; raises `FileExistsError` if there is one. Of two that create it at once, one succeeds.

    False: the file system may not guarantee that, so read the file again after a moment.
    """
    if is_local(fs):
        _create_local(Path(path), content)
        return True
    if fs.exists(path):
        raise FileExistsError(path)
    try:
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        fs.pipe_file(path, content, mode="create")
    except TypeError:  # a file system without this mode
        fs.pipe_file(path, content)
    return False


def _create_local(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        draft.write_bytes(content)
        os.link(draft, target)  # whole at once, and only if there is none
    except FileExistsError:
        raise
    except OSError:
        if not draft.exists() or draft.stat().st_size < len(content):
            raise
        with target.open("xb") as file:  # a file system without links
            file.write(content)
    finally:
        draft.unlink(missing_ok=True)


def _send(fs: Any, path: str, content: bytes | Path) -> None:
    if isinstance(content, Path):
        fs.put_file(str(content), path)
    else:
        fs.pipe_file(path, content)


def is_local(fs: Any) -> bool:
    """Whether its files are those of this machine's own file system."""
    return bool(getattr(fs, "local_file", False))


def copy(source: Any, target: Path) -> tuple[int, str]:
    """Copy an open binary file to a path; returns how many bytes, and their SHA-256."""
    hashed, size = hashlib.sha256(), 0
    with target.open("wb") as out:
        while block := source.read(BLOCK_BYTES):
            hashed.update(block)
            size += out.write(block)
    return size, hashed.hexdigest()


def size_and_digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def remove_unless_newer(fs: Any, path: str, used_s: float) -> bool:
    """Remove a file that was not written or noted after `used_s`; False if it was, and then it stays.

    On a local disk nothing that is used at the same moment is lost: the file is moved away first, and put back if it
    is newer. Elsewhere a use between the look and the removal, some milliseconds, is not seen.
    """
    if is_local(fs):
        return _remove_local(Path(path), used_s)
    try:
        if modified(fs.info(path)) > used_s:
            return False
        fs.rm_file(path)
    except FileNotFoundError:
        pass
    return True


def _remove_local(path: Path, used_s: float) -> bool:
    aside = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.part")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return True
    except OSError:  # a disk without room for a name
        aside = path
    if aside.stat().st_mtime <= used_s:
        aside.unlink()
        return True
    if aside != path:
        try:
            os.link(aside, path)  # not a rename: a file that was written meanwhile stays
        except FileExistsError:
            pass
        except OSError:
            aside.rename(path)
        aside.unlink(missing_ok=True)
    return False


def modified(about: Mapping[str, Any]) -> float:
    """When a file was last written, in seconds since 1970; 0 if the file system does not report it."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = about.get(key)
        if isinstance(value, int | float):
            return float(value)
        if isinstance(value, datetime):
            return value.timestamp()
    return 0.0


def words(exc: Exception) -> str:
    """An error's message in one line."""
    message = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return " ".join(message.split()) or type(exc).__name__
