"""A file system whose disk is full, read-only or slow when a test says so; else a folder of this machine.

`sick:///folder` is `/folder`. The mood is read at each write from the file that
`SICK_MOOD` names: `well`, or a word (`full`, `readonly`, `slow=SECONDS`) and the part of
the path that suffers. A full disk is as bad as can be: the first half of what was to be
written stays, under its final name. `kill` ends the process that writes there, as the
kernel's memory killer would, `kill-reader` the one that reads; each adds a line to a file.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem


class SickStore(LocalFileSystem):
    """As the module says. Not «local» to the store, which therefore writes without a rename."""

    protocol = "sick"
    local_file = False
    root_marker = "/"

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return super()._strip_protocol(str(path).removeprefix("sick://"))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> Any:
        """The file's bytes, if the mood lets the process live."""
        self._end_in_the_mood("kill-reader", path)
        return super().cat_file(path, start, end, **options)

    def _end_in_the_mood(self, deadly: str, path: str) -> None:
        moods = Path(os.environ["SICK_MOOD"])
        mood, _, suffers = moods.read_text().partition(" ")
        if mood == deadly and suffers in str(path):
            with moods.with_suffix(".kills").open("a") as kills:
                kills.write(f"{os.getpid()}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        """Write `value`, as the mood allows; raises `OSError`."""
        self._end_in_the_mood("kill", path)
        target = Path(self._strip_protocol(path))
        mood, _, suffers = Path(os.environ["SICK_MOOD"]).read_text().partition(" ")
        if suffers in str(target):
            if mood == "readonly":
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(target))
            if mood == "full":
                target.write_bytes(value[: len(value) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
            if mood.startswith("slow="):
                time.sleep(float(mood.removeprefix("slow=")))
        target.write_bytes(value)

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        """Write a local file's bytes, in the same way."""
        self.pipe_file(rpath, Path(lpath).read_bytes())
