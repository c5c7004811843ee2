"""Notes when an artifact was last used: its files' times, which retention reads (`tasks/retention`).

On a local disk its files get the present time, at most once a minute. Another file system may have no times that can
be set, and a write there takes as long as a read: at most once an hour for each artifact and process, the pointer is
written again with the same content, or, beside a single file, a note in the pointer's place, which is no pointer.
Whoever may not write, leaves no note and gets no error.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any

from tasks.store.file_system import is_local
from tasks.store.lookup import Found, seen
from tasks.store.names import to_pointer

EVERY_S = 60.0
EVERY_ELSEWHERE_S = 3600.0
REMEMBERED = 100_000
"""Notes that this process remembers of file systems without a time that can be set."""


class UseNotes:
    """The notes of one store."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}

    def note(self, fs: Any, found: Found) -> bool:
        """Note a use now. False if the artifact is not complete, or was removed at this moment."""
        now_s = time.time()
        if is_local(fs):
            modified_s = seen(fs, found)
            return modified_s is not None and (now_s - modified_s < EVERY_S or _touch(found))
        return self._note_elsewhere(fs, found, now_s)

    def _note_elsewhere(self, fs: Any, found: Found, now_s: float) -> bool:
        noted_s = self._noted.get(found.artifact.name, 0.0)
        if found.is_single and now_s - noted_s < EVERY_ELSEWHERE_S:
            return True
        modified_s = seen(fs, found)
        if modified_s is None:
            return False
        if now_s - max(modified_s, noted_s) < EVERY_ELSEWHERE_S:
            self._remember(found, max(modified_s, noted_s))
            return True
        self._remember(found, now_s)
        note = json.dumps({"used_s": now_s}) if found.is_single else to_pointer(found.artifact)
        with contextlib.suppress(Exception):  # a note is no reason to fail, whatever the file system says
            fs.pipe_file(found.pointer_path, note.encode())
        return True

    def _remember(self, found: Found, when_s: float) -> None:
        if len(self._noted) >= REMEMBERED:
            self._noted.clear()
        self._noted[found.artifact.name] = when_s


def _touch(found: Found) -> bool:
    try:
        # The pointer last: without it there is no artifact.
        for path in (found.data_path,) if found.is_single else (found.data_path, found.pointer_path):
            os.utime(path)
    except FileNotFoundError:
        return False
    except OSError:  # a user without write access
        return True
    return True
