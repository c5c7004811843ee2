"""The catalog of models: reads and checks `models.toml`; its errors name the line.

It has names, adapters and numbers only, and loads no model. Producers and flow workers
check a model's name against it; a slot worker passes a model's table to its adapter. The
file is `SLOTLINE_MODELS`, else `models.toml` in the current folder, else the default file
that is installed with slotline.
"""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import CatalogError, UnknownModel
from tasks.routing import RESERVED_QUEUES
from tasks.settings import settings

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class ModelEntry(BaseModel):
    """One model: the keys that every adapter has, and `options` for the keys of its own adapter."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    name: str
    adapter: str
    path: str | None = None
    revision: str | None = None
    voice: str | None = None
    memory_gb: float | None = Field(None, gt=0)
    batch_size: int = Field(1, ge=1, le=4096)
    time_limit_s: float = Field(300.0, gt=0)
    stall_s: float = Field(120.0, gt=0)
    load_limit_s: float = Field(300.0, gt=0)
    recycle_rss_gb: float | None = Field(None, gt=0)
    max_models: int | None = Field(None, ge=1)
    max_memory_gb: float | None = Field(None, gt=0)
    eviction_policy: str = Field("lru", pattern="^(lru|lfu)$")
    idle_timeout_minutes: float | None = Field(None, ge=0)
    preload: list[str] = Field(default_factory=list)
    background_cache_frames: int | None = Field(None, ge=1)
    options: dict[str, Any] = Field(default_factory=dict)
    place: str = ""
    """Its place in the file, for the beginning of an error: `models.toml line 7: [models.espeak]`."""

    @property
    def is_registry(self) -> bool:
        """Whether a slot serves many small models: `path` has `{id}`, which a request replaces."""
        return self.path is not None and ID in self.path


ID = "{id}"
"""The placeholder in the `path` of a registry (a table for many models of one adapter)."""

REGISTRY_KEYS = ("max_models", "max_memory_gb", "eviction_policy", "preload")
"""Keys of a registry: how many of its models a slot keeps loaded, and which it loads before it is ready."""

DEFAULT_MAX_MODELS = 16
"""How many of a registry's models a slot keeps loaded at most, if its table does not say."""

OWN_KEYS = frozenset(ModelEntry.model_fields) - {"name", "options", "place"}
"""The keys that every model's table may have; any other key is an option of its adapter."""


PULLED = frozenset({"kokoro", "kokoro-torch", "viettts", "bart-large-cnn"})
"""The models that `slotline model pull` fetches by their names (`workers/pull/recipes.py`)."""


class Catalog(Mapping[str, ModelEntry]):
    """The models by name; an unknown name raises `UnknownModel`, which suggests the nearest name."""

    def __init__(self, entries: Mapping[str, ModelEntry], source: str) -> None:
        self._entries = dict(entries)
        self.source = source

    def __getitem__(self, name: str) -> ModelEntry:
        try:
            return self._entries[name]
        except KeyError:
            if name in PULLED:
                hint = f"slotline model pull {name} fetches it, and adds its table"
                raise UnknownModel(f"model: no model {name!r} in {self.source}; {hint}") from None
            near = difflib.get_close_matches(name, self._entries, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "there are: " + ", ".join(self._entries)
            raise UnknownModel(f"model: no model {name!r} in {self.source}; {hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def catalog_path() -> Path:
    """The file from which this process reads its models."""
    if chosen := settings().models_path:
        return Path(chosen).expanduser()
    here = Path("models.toml")
    return here if here.is_file() else default_path()


def default_path() -> Path:
    """The file that is installed with slotline; it is no user's to change."""
    package = Path(__file__).resolve().parent
    installed = package / "models.toml"  # the wheel puts it there
    return installed if installed.is_file() else package.parent / "models.toml"


def parse(text: str, source: str, folder: Path) -> Catalog:
    """The catalog in `text`; relative model paths are relative to `folder`. Raises `CatalogError`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise CatalogError(f"{source}: {exc}") from exc
    if stray := [key for key in document if key != "models"]:
        raise CatalogError(
            f"{source} line {_line_of(text, stray[0])}: {stray[0]!r} is not part of a model; "
            "each model is a table [models.NAME]"
        )
    tables = document.get("models")
    if not isinstance(tables, dict) or not tables:
        raise CatalogError(f"{source}: has no model; each model is a table [models.NAME] with at least an adapter")
    return Catalog({name: _entry(name, table, text, source, folder) for name, table in tables.items()}, source)


def _entry(name: str, table: Any, text: str, source: str, folder: Path) -> ModelEntry:
    place = f"{source} line {_line_of_table(text, name)}: [models.{name}]"
    if name in RESERVED_QUEUES:
        raise CatalogError(f"{place} the name {name!r} is reserved for a queue of slotline; use another name")
    if not NAME.fullmatch(name):
        raise CatalogError(f"{place} a name has only a-z, 0-9, '.', '_' and '-', at most 64 characters")
    if not isinstance(table, dict):
        raise CatalogError(f"{place} is not a table; write [models.NAME] and its keys below")
    own = {key: value for key, value in table.items() if key in OWN_KEYS}
    rest = {key: value for key, value in table.items() if key not in OWN_KEYS}
    try:
        entry = ModelEntry.model_validate({**own, "name": name, "options": rest, "place": place})
    except ValidationError as exc:
        fault = exc.errors()[0]
        field = str(fault["loc"][0])
        if fault["type"] == "missing":
            raise CatalogError(f"{place} {field}: is missing; name the adapter that runs the model") from exc
        line = _line_of(text, field, start=_line_of_table(text, name))
        raise CatalogError(
            f"{source} line {line}: [models.{name}] {field}: {fault['msg']} (got {fault['input']!r})"
        ) from exc
    _check_registry(entry, text, source)
    if entry.path and "://" not in entry.path:
        entry = entry.model_copy(update={"path": str((folder / Path(entry.path).expanduser()).absolute())})
    return entry


def _check_registry(entry: ModelEntry, text: str, source: str) -> None:
    """Raise `CatalogError` for a registry's keys without `{id}` in the path, or wrong ones, and for more than one."""
    most = entry.max_models or DEFAULT_MAX_MODELS
    if entry.is_registry and str(entry.path).count(ID) > 1:
        key, fault = "path", f"has {ID} more than once"
    elif entry.is_registry:
        key, fault = "preload", ""
        if len(entry.preload) > most:
            fault = f"names {len(entry.preload)} models, more than max_models = {most}"
        elif twice := next((name for name in entry.preload if entry.preload.count(name) > 1), None):
            fault = f"names {twice!r} twice"
        key = key if fault else ""
    else:
        key = next((key for key in REGISTRY_KEYS if key in entry.model_fields_set), "")
        fault = f'is only for many small models, whose path has {ID}, such as path = "voices/{ID}"'
    if key:
        line = _line_of(text, key, start=_line_of_table(text, entry.name))
        raise CatalogError(f"{source} line {line}: [models.{entry.name}] {key}: {fault}")


def _line_of_table(text: str, name: str) -> int:
    """The line (from 1) of `[models.name]`, or the first line that sets one of its keys in another form."""
    quoted = rf"[\"']?{re.escape(name)}[\"']?"
    header = re.compile(rf"\s*\[\s*models\s*\.\s*{quoted}\s*\]")
    otherwise = re.compile(rf"\s*\[?\s*(models\s*\.\s*)?{quoted}\s*[.=]")
    lines = text.splitlines()
    found = (i for pattern in (header, otherwise) for i, line in enumerate(lines, 1) if pattern.match(line))
    return next(found, 1)


def _line_of(text: str, key: str, start: int = 1) -> int:
    """The line (from 1), between `start` and the table's end, that sets `key` or begins its table; else `start`."""
    wanted = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[\]=.]")
    for number, line in enumerate(text.splitlines()[start - 1 :], start):
        if wanted.match(line):
            return number
        if start > 1 and number > start and line.lstrip().startswith("["):
            break
    return start


def read(path: Path) -> Catalog:
    """The catalog in the file at `path`; raises `CatalogError`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise CatalogError(
            f"{path}: the catalog of models cannot be read: {exc.strerror}; set SLOTLINE_MODELS to its path"
        ) from exc
    except UnicodeDecodeError as exc:
        raise CatalogError(f"{path}: the catalog of models is not UTF-8 (byte {exc.start})") from exc
    return parse(text, str(path), path.resolve().parent)


@functools.cache
def catalog() -> Catalog:
    """This process's catalog, read at the first call; raises `CatalogError`."""
    return read(catalog_path())
