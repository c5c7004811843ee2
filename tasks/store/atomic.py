"""Writes a local file so that it is whole or does not exist.

For all code that writes files: the store, conversion, assembly. The
content is written to a hidden file in the target's folder (or in a given folder), which is
renamed to the target at the end. So a reader sees the old file, the new file, or none, but
never half a file. Nothing is synced to the disk: after a power failure a new file may be
damaged; compare a digest to notice this.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from tasks.terminal.interrupt import at_sudden_end


@contextlib.contextmanager
def whole_file(target: Path, drafts: Path | None = None) -> Iterator[Path]:
    """Yield a path to write to, in the target's folder (created if missing); it becomes `target` if the block succeeds.

    With `drafts` the path is in that folder (also created), which must be on the target's file system.
    If the block raises, or a second Ctrl-C ends the process in it, `target` is unchanged and the other file is
    removed. Raises the system's `OSError`, also for a device or a pipe, which would be removed. If two write at once,
    the last one wins.
    """
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise OSError(errno.EINVAL, "it is no ordinary file", str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    with draft_in(drafts or target.parent, target.name) as draft:
        yield draft
        os.replace(draft, target)


@contextlib.contextmanager
def draft_in(folder: Path, name: str) -> Iterator[Path]:
    """Yield a hidden path in `folder` (created if missing), named after `name`.

    A file that is still there when the block ends is removed, also at a sudden end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / _draft_name(name)
    try:
        with at_sudden_end(draft.unlink):
            yield draft
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def rename(draft: str | Path, target: str | Path) -> None:
    """Let a draft be the target, in a folder that is made if it is missing."""
    try:
        os.replace(draft, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(draft, target)


def write_whole(target: str, content: bytes, drafts: str) -> None:
    """Write a file at once, as `whole_file` does with `drafts`; folders are made only where they are missing.

    For many small files: to look for the folders takes as long as to write the file.
    """
    draft = f"{drafts}/{_draft_name(os.path.basename(target))}"
    try:
        with at_sudden_end(lambda: os.unlink(draft)):
            with _new(draft) as file:
                rest = memoryview(content)
                while rest:
                    rest = rest[file.write(rest) :]
            rename(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def _new(path: str) -> io.FileIO:
    try:
        return io.FileIO(path, "x")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return io.FileIO(path, "x")


def _draft_name(name: str) -> str:
    # Not tempfile: its files have mode 0600, and users may share a store. A long name is cut to a valid length.
    return f".{name[:40]}.{secrets.token_hex(6)}.part"
