"""Writes the files of an artifact: one if it is small, otherwise its data and then its pointer.

Each file is complete or does not exist (on a file system that writes whole files). The pointer is last, so that it
never names missing data.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.store.atomic import draft_in, rename
from tasks.store.file_system import is_local, write
from tasks.store.names import Artifact, to_pointer
from tasks.store.scratch import scratch_folder
from tasks.store.trailer import trailer_of

ONE_FILE_BYTES = 1024 * 1024
"""Up to this size an artifact is one file; it is written and read as a whole."""

DRAFTS = ".drafts"
"""Folder of a kind in which a local store writes a file before it renames it. One folder, because ext4 needs ten times
as long to create files in 256 folders as in one."""


@contextlib.contextmanager
def draft_of(fs: Any, root: str, name: str) -> Iterator[Path]:
    """Yield a local path for an artifact's data, on the disk of a local store, else in a scratch folder.

    What is still there at the end of the block is removed.
    """
    if is_local(fs):
        with draft_in(Path(_drafts(root, name)), name.rpartition("/")[2]) as draft:
            yield draft
    else:
        with scratch_folder() as folder:
            yield folder / "draft"


def place(fs: Any, root: str, artifact: Artifact, content: bytes | Path, is_draft: bool = False) -> None:
    """Write the artifact's files; `content` is its data, or a local file with them. A draft may be moved."""
    if artifact.bytes <= ONE_FILE_BYTES:
        data = content.read_bytes() if isinstance(content, Path) else content
        write(fs, f"{root}/{artifact.name}", data + trailer_of(artifact), _drafts(root, artifact.name))
        return
    if is_draft and is_local(fs) and isinstance(content, Path):
        rename(content, Path(root, artifact.data_name))
    else:
        write(fs, f"{root}/{artifact.data_name}", content, _drafts(root, artifact.name))
    write(fs, f"{root}/{artifact.pointer_name}", to_pointer(artifact).encode(), _drafts(root, artifact.name))
    with contextlib.suppress(FileNotFoundError):  # what this one replaces; it would be found before the pointer
        fs.rm_file(f"{root}/{artifact.name}")


def _drafts(root: str, name: str) -> str:
    return f"{root}/{name.partition('/')[0]}/{DRAFTS}"
