"""A scratch folder: a temporary folder that no killed process leaves behind for ever.

`tempfile` removes its folders only when the process ends by itself. Here each folder is locked
by the process that uses it, and the kernel drops the lock with the process. So the next use of a
scratch folder on this machine finds those that nobody uses any more, and removes them; a process
looks for them once a minute. Removes nothing of other users, and nothing that was made in the last minute.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tasks.terminal.interrupt import at_sudden_end

PREFIX = "slotline-scratch-"
YOUNG_S = 60.0
"""A folder is made and then locked; one that is younger than this may not be locked yet."""
LOOK_S = 60.0
"""How often a process looks for what others left behind: there may be thousands of other files beside them."""

_looked_s: dict[Path, float] = {}
"""When this process last looked, by its monotonic clock."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder in the system's folder for temporary files; it is removed at the end of the block."""
    where, now_s = Path(tempfile.gettempdir()), time.monotonic()
    if now_s - _looked_s.get(where, float("-inf")) >= LOOK_S:
        _looked_s[where] = now_s
        remove_left_behind(where, time.time())
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        _locked(Path(name)),
        at_sudden_end(lambda: shutil.rmtree(name, ignore_errors=True)),
    ):
        yield Path(name)


def remove_left_behind(where: Path, now_s: float) -> None:
    """Remove the scratch folders in `where` of processes that have ended; `now_s`: the time, in seconds since 1970."""
    for folder in where.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if found.st_uid != os.getuid() or now_s - found.st_mtime < YOUNG_S:
                continue
            with _locked(folder):
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; raises `BlockingIOError` if another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
