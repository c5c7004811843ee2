"""Notes when an artifact was last used: its files' times, which retention reads (`tasks/retention`).

On a local disk both files get the present time, at most once a minute. On another file system the pointer is
written again with the same content, at most once an hour for each artifact and process, because a write there
takes as long as a read. Whoever may not write, leaves no note and gets no error.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from tasks.store.file_system import is_local
from tasks.store.names import Artifact, to_pointer

EVERY_S = 60.0
EVERY_ELSEWHERE_S = 3600.0
REMEMBERED = 100_000
"""Notes that this process remembers of file systems without a time that can be set."""


class UseNotes:
    """The notes of one store."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}

    def note(self, fs: Any, root: str, artifact: Artifact, modified_s: float) -> bool:
        """Note a use now of an artifact whose data was written, or noted, at `modified_s` (seconds since 1970).

        False if its files are gone: they were removed at this moment.
        """
        now_s = time.time()
        if is_local(fs):
            return now_s - modified_s < EVERY_S or _touch(root, artifact)
        if now_s - max(modified_s, self._noted.get(artifact.name, 0.0)) >= EVERY_ELSEWHERE_S:
            if len(self._noted) >= REMEMBERED:
                self._noted.clear()
            self._noted[artifact.name] = now_s
            with contextlib.suppress(Exception):  # a note is no reason to fail, whatever the file system says
                fs.pipe_file(f"{root}/{artifact.pointer_name}", to_pointer(artifact).encode())
        return True


def _touch(root: str, artifact: Artifact) -> bool:
    try:
        # The pointer last: without it there is no artifact.
        for name in (artifact.data_name, artifact.pointer_name):
            os.utime(f"{root}/{name}")
    except FileNotFoundError:
        return False
    except OSError:  # a user without write access
        return True
    return True
