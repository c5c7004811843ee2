"""The folder of a registry's models (a `path` with `{id}`): the models in it, and the table of each one.

Reads only names and sizes of files.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.catalog import ID
from tasks.errors import CatalogError, InvalidInput, ModelLoadError, SlotlineError
from tasks.messages.lookup import craft_named
from tasks.messages.variants import unknown_variant
from workers.adapters import adapter_of

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

NAME = re.compile(r"\w[\w .+-]{0,127}")
"""An id is the name of one file or folder; it cannot point to another folder."""


def field_of(entry: ModelEntry, device: str) -> str:
    """The requests' field that names one of a registry's models (`voice`, `face`), by its adapter's craft."""
    with contextlib.suppress(SlotlineError):  # each load will raise it, with the reason
        return craft_named(adapter_of(entry, device).craft).request.variant_field
    return "voice"


def check_preload(entry: ModelEntry, device: str) -> None:
    """Raise `CatalogError` for a model in `preload` that does not exist; for the start of a worker.

    A folder that is missing is no error here: the load says so.
    """
    folder = ModelFolder(entry, field_of(entry, device))
    for name in entry.preload if entry.is_registry and folder.path.is_dir() else ():
        try:
            folder.table(name)
        except SlotlineError as exc:
            raise CatalogError(f"{entry.place} preload: {exc}") from exc


class ModelFolder:
    """The files and folders that match a path with `{id}`."""

    def __init__(self, entry: ModelEntry, field: str = "voice") -> None:
        """`field` is the requests' field that names one: `voice`, `face`."""
        self.entry = entry
        self.field = field
        head, _, tail = str(entry.path).partition(ID)
        folder, _, before = head.rpartition("/")
        after, _, rest = tail.partition("/")
        self.path = Path(folder or "/")
        """The folder that has the models."""
        self._rest = rest
        self._pattern = re.compile(re.escape(before) + f"({NAME.pattern})" + re.escape(after))

    def names(self) -> list[str]:
        """The ids of all existing models, sorted; none if the folder cannot be read."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.path) as files:
            for one in files:
                match = self._pattern.fullmatch(one.name)
                with contextlib.suppress(OSError):  # a model that may not be read does not affect the others
                    if match and ".." not in match[1] and (not self._rest or Path(one.path, self._rest).exists()):
                        found.append(match[1])
        return sorted(found)

    def table(self, name: str) -> ModelEntry:
        """The table of one model, with its path, and its id as the default voice.

        Raises `InvalidInput` for an invalid id; for an unknown one `UnknownVoice`, `UnknownFace` …, with similar names.
        Raises `ModelLoadError` if the file may not be read, and `FileNotFoundError` if the folder itself is missing,
        which is not the request's fault.
        """
        if not NAME.fullmatch(name) or ".." in name:
            raise InvalidInput(
                f"{self.field}: {name[:80]!r} is not a {self.field} of {self.entry.name}: only letters, digits, '_-+. '"
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
            raise unknown_variant(self.field, self.entry.name, name, self.names())
        return self.entry.model_copy(update={"path": str(path), "voice": name})

    def size_bytes(self, name: str) -> int:
        """The size of its files on disk, which is the least memory that the model takes."""
        path = self._path_of(name)
        size = 0
        for file in (path, *(Path(folder, name) for folder, _, names in os.walk(path) for name in names)):
            with contextlib.suppress(OSError):
                size += file.stat().st_size if file.is_file() else 0
        return size

    def _path_of(self, name: str) -> Path:
        return Path(str(self.entry.path).replace(ID, name))
