"""The many models behind a table whose `path` holds `{id}`: which there are, and each one's own table.

Reads names and sizes of files only.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.catalog import ID
from tasks.errors import InvalidInput, ModelLoadError, UnknownVoice
from tasks.messages.voices import voice_error

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

NAME = re.compile(r"\w[\w .+-]{0,127}")
"""An id is the name of one file or folder; it cannot lead to another place."""


class ModelFolder:
    """The files and folders that a path with `{id}` in it stands for."""

    def __init__(self, entry: ModelEntry) -> None:
        self.entry = entry
        head, _, tail = str(entry.path).partition(ID)
        folder, _, before = head.rpartition("/")
        after, _, rest = tail.partition("/")
        self.path = Path(folder or "/")
        """Where the ids are looked for."""
        self._rest = rest
        self._pattern = re.compile(re.escape(before) + f"({NAME.pattern})" + re.escape(after))

    def names(self) -> list[str]:
        """All ids that are there, sorted; none where the folder cannot be read."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.path) as files:
            for one in files:
                match = self._pattern.fullmatch(one.name)
                with contextlib.suppress(OSError):  # one that may not be read costs the others nothing
                    if match and ".." not in match[1] and (not self._rest or Path(one.path, self._rest).exists()):
                        found.append(match[1])
        return sorted(found)

    def table(self, name: str) -> ModelEntry:
        """The table of one of them: its path filled in, and its id as the voice where none is named.

        Raises `InvalidInput` for what can be no id, and `UnknownVoice`, naming the near ones, where there is no such.
        Raises `ModelLoadError` where the file may not be read, and `FileNotFoundError` where the folder itself is
        gone, which is no fault of the request.
        """
        if not NAME.fullmatch(name) or ".." in name:
            raise InvalidInput(
                f"voice: {name[:80]!r} can be no voice of {self.entry.name}: letters, digits, '_', '-', '+', '.', ' '"
            )
        path = self._path_of(name)
        try:
            is_there = path.exists()
        except OSError as exc:
            if not self.path.is_dir():
                raise
            raise ModelLoadError(f"{self.entry.place} path: {path} cannot be read ({exc.strerror})") from exc
        if not is_there:
            if not self.path.is_dir():
                raise FileNotFoundError(f"{self.entry.place} path: there is no folder {self.path} any more")
            raise UnknownVoice(voice_error(self.entry.name, name, dict.fromkeys(self.names(), "")))
        return self.entry.model_copy(update={"path": str(path), "voice": name})

    def size_bytes(self, name: str) -> int:
        """The size of its files on disk: a model takes no less memory."""
        path = self._path_of(name)
        size = 0
        for file in (path, *(Path(folder, name) for folder, _, names in os.walk(path) for name in names)):
            with contextlib.suppress(OSError):
                size += file.stat().st_size if file.is_file() else 0
        return size

    def _path_of(self, name: str) -> Path:
        return Path(str(self.entry.path).replace(ID, name))
