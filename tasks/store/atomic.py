"""Writes a local file so that it is whole or does not exist.

One context manager for all code that writes files: the store, conversion, assembly. The
content is written to a hidden file in the target's folder (or in a given folder), which is
renamed to the target at the end. So a reader sees the old file, the new file, or none, but
never half a file. Nothing is synced to the disk: after a power failure a new file may be
damaged; compare a digest to notice this.
"""

from __future__ import annotations

import contextlib
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
    removed. Raises the system's `OSError`. If two write at once, the last one wins.
    """
    folder = drafts or target.parent
    for needed in {folder, target.parent}:
        needed.mkdir(parents=True, exist_ok=True)
    # Not tempfile: its files have mode 0600, and users may share a store. A long name is cut to a valid length.
    draft = folder / f".{target.name[:40]}.{secrets.token_hex(6)}.part"
    try:
        with at_sudden_end(draft.unlink):
            yield draft
            os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
