"""The folder of a registry's models (a `path` with `{id}`): the models in it, and the table of each one.

Reads only names and sizes of files.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.catalog import ID
from tasks.errors import CatalogError, InvalidInput, ModelLoadError, SlotlineError
from tasks.messages.lookup import craft_named
from tasks.messages.variants import unknown_variant
from workers.adapters import adapter_of, find

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import AnyAdapter

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
        after = tail.partition("/")[0]
        self.path = Path(folder or "/")
        """The folder that has the models."""
        self._pattern = re.compile(re.escape(before) + f"({NAME.pattern})" + re.escape(after))

    def names(self) -> list[str]:
        """The ids of all existing models, sorted; none if the folder cannot be read."""
        try:
            matches = [self._pattern.fullmatch(name) for name in os.listdir(self.path)]
        except OSError:
            return []
        return sorted(match[1] for match in matches if match and ".." not in match[1] and self._may_be(match[1]))

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
            is_there = self._is_model(name)
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

    def _may_be(self, name: str) -> bool:
        """Whether it is a model, or may not be looked at: then each request for it says so."""
        try:
            return self._is_model(name)
        except OSError:
            return True

    def _is_model(self, name: str) -> bool:
        path = self._path_of(name)
        return path.exists() and (self._adapter is None or self._adapter.is_model(path))

    @functools.cached_property
    def _adapter(self) -> type[AnyAdapter] | None:
        """The class that knows what a model is; None where there is none, which each load will say."""
        with contextlib.suppress(SlotlineError):
            return find(self.entry.adapter)
        return None

    def _path_of(self, name: str) -> Path:
        return Path(str(self.entry.path).replace(ID, name))
