"""A local file that is there whole or not at all.

One context manager, for whatever writes files: the store, conversion, assembly. The
content goes to a hidden file beside the target (or in a folder given for that) and is
renamed onto it at the end, so that a reader sees the old file, the new one, or none, and never a half. Nothing is
synced to the disk: after a power cut a new file may be damaged, and whoever needs to
know compares a digest.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(target: Path, drafts: Path | None = None) -> Iterator[Path]:
    """Yield a path to write to, in the target's folder (made if need be); it becomes `target` if the block succeeds.

    With `drafts` it is in that folder (made, too), which must be on the target's file system.
    If the block raises, `target` stays as it was and the other file is gone. Raises
    `OSError` as the system does. Of two writers at once the last wins.
    """
    folder = drafts or target.parent
    for needed in {folder, target.parent}:
        needed.mkdir(parents=True, exist_ok=True)
    # Not tempfile: its files are 0600, and a store may be shared between users. A long name is cut, to stay a name.
    draft = folder / f".{target.name[:40]}.{secrets.token_hex(6)}.part"
    try:
        yield draft
        os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
