"""The lock of a model's name: one process pulls it at a time, others wait.

The lock is the kernel's, on a file: it ends with its process, however that ends. The file has the process's id, for the
line that others print; it stays, because removing it would let two processes hold two files of one name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tasks.terminal import interrupt

LOOK_EVERY_S = 0.2


@contextlib.contextmanager
def held(path: Path, waits: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock in this block. While another process has it: tell `waits` its id once, and wait.

    Raises the system's `OSError` if the file cannot be made, and `Interrupted`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        has_said = False
        while not _taken(file.fileno()):
            if not has_said:
                file.seek(0)
                waits(file.read().strip() or "?")
                has_said = True
            interrupt.pause(LOOK_EVERY_S)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
