"""What each table of the catalog is on this machine: its files, its packages, and the slots that there is room for.

Changes nothing, loads nothing and imports nothing heavy. Unless it is asked to verify, it reads no weights. A fault in
an adapter's own code costs its own row.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tasks.catalog import ID, ModelEntry
from tasks.errors import MissingExtra, ModelLoadError, SlotlineError
from tasks.terminal.printable import counted, one_line
from workers.adapters import adapter_of
from workers.adapters.base import AnyAdapter
from workers.pull.installed import Installed, State, look
from workers.pull.place import Place
from workers.pull.recipe import Recipe
from workers.slots.fitting import Fit
from workers.slots.gpu import CUDA


class There(StrEnum):
    """Whether a model's files are there."""

    WHOLE = "whole"
    """As they were pulled: of each file the size, and when asked the SHA-256."""
    THERE = "there"
    """All that the adapter needs; nobody has recorded what they should be."""
    NOT_WHOLE = "not whole"
    MISSING = "missing"
    NO_WEIGHTS = "no weights"
    """The adapter needs no files."""
    ELSEWHERE = "elsewhere"
    """Its path is not one of this machine's file system."""
    WRONG = "wrong table"
    """The table names no adapter that there is, or the adapter does not take it."""


IN_ORDER = frozenset((There.WHOLE, There.THERE, There.NO_WEIGHTS, There.ELSEWHERE))


@dataclass(frozen=True)
class Row:
    """One table; `size_bytes` is that of its files on the disk, `install` says what packages lack (empty: none)."""

    name: str
    adapter: str
    path: str
    there: There
    why: str
    size_bytes: int | None
    licence: str
    source: str
    install: str
    fit: Fit

    @property
    def is_in_order(self) -> bool:
        """Whether its table is right, and its files are there as far as this machine can see them."""
        return self.there in IN_ORDER

    def fields(self) -> dict[str, Any]:
        """As JSON shows it."""
        packages = None if self.there is There.WRONG else {"installed": not self.install, "why": self.install}
        fields = {key: value for key, value in asdict(self).items() if key not in ("install", "fit")}
        return {**fields, "there": str(self.there), "packages": packages, "fits": asdict(self.fit)}


@dataclass(frozen=True)
class Available:
    """A recipe without a table in the catalog; `is_here` says that its files are on this machine already."""

    recipe: Recipe
    is_here: bool

    @property
    def command(self) -> str:
        """What fetches it and adds its table."""
        return f"slotline model pull {self.recipe.name}"

    @property
    def size_bytes(self) -> int:
        """How much is fetched; 0: not known."""
        return 0 if self.is_here else self.recipe.ways[0].download_bytes

    def fields(self) -> dict[str, Any]:
        """As JSON shows it."""
        recipe = self.recipe
        return {
            "name": recipe.name,
            "what": recipe.what,
            "licence": recipe.licence,
            "download_bytes": self.size_bytes or None,
            "is_here": self.is_here,
            "command": self.command,
        }


def row(
    entry: ModelEntry, recipe: Recipe | None, fits: Callable[[ModelEntry], Fit], verify: bool, with_size: bool = True
) -> Row:
    """What the table is here; `recipe` is the one of its name, if there is one.

    Without `with_size` the files are not counted, which takes long where a model has very many.
    """
    tried = _tried(entry, "cpu")
    fit = Fit(0, "", tried) if isinstance(tried, str) else fits(entry)
    if fit.device == "cuda":
        tried = _tried(entry, CUDA)  # it may need another build of a package there
    adapter = None if isinstance(tried, str) else tried
    if isinstance(tried, str):
        there, why, found = There.WRONG, tried, Installed(State.ABSENT)
    else:
        there, why, found = _files(entry, tried, verify)
    return Row(
        name=entry.name,
        adapter=entry.adapter,
        path=entry.path or "",
        there=there,
        why=why,
        size_bytes=_size(entry) if with_size else None,
        licence=_licence(entry, adapter, recipe, found),
        source=found.manifest.source if found.manifest else "",
        install=_lacking(entry, adapter) if adapter else "",
        fit=fit,
    )


def _tried(entry: ModelEntry, device: str) -> AnyAdapter | str:
    """The adapter on this device, or what is wrong with its table."""
    try:
        return adapter_of(entry, device)
    except Exception as exc:  # the boundary to the adapter's own code
        return _said(exc, "__init__")


def available(recipes: Mapping[str, Recipe], names: Mapping[str, Any], folder: Path) -> list[Available]:
    """The recipes that no table of the catalog has the name of; `folder` is this user's folder of models."""
    others = [recipe for name, recipe in recipes.items() if name not in names]
    return [Available(one, look(Place(folder, one.name).target, deep=False).state is State.WHOLE) for one in others]


def _files(entry: ModelEntry, adapter: AnyAdapter, verify: bool) -> tuple[There, str, Installed]:
    nothing = Installed(State.ABSENT)
    if entry.path is None:
        return (*_checked(entry, adapter, There.NO_WEIGHTS), nothing)
    if "://" in entry.path:
        return There.ELSEWHERE, "", nothing
    if entry.is_registry:
        return (*_registry(entry, adapter), nothing)
    found = look(Path(entry.path), deep=verify)
    match found.state:
        case State.ABSENT:
            return There.MISSING, _get_it(entry, adapter), found
        case State.BROKEN:
            faults = "; ".join(f"{fault.path} {fault.what}" for fault in found.faults)
            return There.NOT_WHOLE, faults, found
        case State.WHOLE:
            there, why = _checked(entry, adapter, There.WHOLE)
            lacks = found.manifest.lacks_in(Path(entry.path)) if found.manifest else ""
            return there, why or lacks, found
        case _:
            return (*_checked(entry, adapter, There.THERE), found)


def _checked(entry: ModelEntry, adapter: AnyAdapter, there: There) -> tuple[There, str]:
    """As found, unless the adapter lacks a file."""
    try:
        adapter.check_files()
    except ModelLoadError as exc:
        return There.NOT_WHOLE, _without_place(entry, exc)
    except Exception as exc:  # the boundary to the adapter's own code
        return There.NOT_WHOLE, _said(exc, "check_files")
    return there, ""


def _get_it(entry: ModelEntry, adapter: AnyAdapter) -> str:
    """How to get what is missing, in the adapter's words."""
    return _checked(entry, adapter, There.MISSING)[1] or f"there is nothing at {entry.path}"


def _registry(entry: ModelEntry, adapter: AnyAdapter) -> tuple[There, str]:
    """A table of many models: how many there are where `{id}` stands."""
    before, _, after = str(entry.path).partition(ID)
    folder, prefix = os.path.split(before)
    try:
        paths = [Path(f"{folder}/{one}{after}") for one in os.listdir(folder) if one.startswith(prefix)]
        names = [path for path in paths if path.exists() and adapter.is_model(path)]
    except OSError as exc:
        return There.MISSING, f"{folder}: {exc.strerror}"
    except Exception as exc:  # the boundary to the adapter's own code
        return There.NOT_WHOLE, _said(exc, "is_model")
    return (There.THERE if names else There.MISSING), counted(len(names), "model")


def _lacking(entry: ModelEntry, adapter: AnyAdapter) -> str:
    try:
        adapter.check_packages()
    except MissingExtra as exc:
        return _without_place(entry, exc)
    except Exception as exc:  # the boundary to the adapter's own code
        return _said(exc, "check_packages")
    return ""


def _licence(entry: ModelEntry, adapter: AnyAdapter | None, recipe: Recipe | None, found: Installed) -> str:
    """Of the weights, as the pull recorded it, or as the recipe of this name says it; else of the adapter's library."""
    if found.manifest:
        return found.manifest.licence
    if recipe and recipe.table.get("adapter") == entry.adapter:
        return recipe.licence
    return adapter.licence if adapter else ""


def _size(entry: ModelEntry) -> int | None:
    """The bytes of all files at the table's path; of a table of many models, of their folder."""
    if entry.path is None or "://" in entry.path:
        return None
    place = Path(os.path.dirname(entry.path.partition(ID)[0]) if entry.is_registry else entry.path)
    return sum(_sizes(place)) if place.exists() else None


def _sizes(place: Path) -> Iterator[int]:
    if place.is_file():
        yield place.stat().st_size
    for folder, _, names in os.walk(place):
        for name in names:
            with contextlib.suppress(OSError):  # a link that leads nowhere
                yield os.stat(os.path.join(folder, name)).st_size


def _said(error: Exception, method: str) -> str:
    """Slotline's errors as they are; others with the adapter's method and their class."""
    return str(error) if isinstance(error, SlotlineError) else one_line(f"{method}: {type(error).__name__}: {error}")


def _without_place(entry: ModelEntry, error: SlotlineError) -> str:
    """The error without the file and line of the table, which the row names already."""
    return str(error).removeprefix(entry.place).removeprefix(" path:").strip()
