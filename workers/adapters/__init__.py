"""Finds the adapter of a name in the catalog; imports only this one, and nothing heavy.

A built-in adapter is a module of this folder with its name, and the `Adapter` class in it.
Other packages add adapters by entry points of the group `slotline.adapters`
(name = "module:Class"). They cannot replace a built-in one. Loads no model.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from pydantic import BaseModel

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError
from workers.adapters.base import Adapter, AnyAdapter, Options

GROUP = "slotline.adapters"


def find(name: str) -> type[AnyAdapter]:
    """The adapter class of that name; raises `CatalogError` with the known names, or the import error."""
    if own := _own(name):
        return own
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = {*built_in(), *points}
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "there are: " + ", ".join(sorted(known))
        raise CatalogError(f"adapter: there is no adapter {name!r}; {hint}")
    return _loaded(name, points[name])


def adapter_of(entry: ModelEntry, device: str) -> AnyAdapter:
    """The adapter of a catalog's table, with its options checked, not loaded.

    Raises `CatalogError` that names the table and its line.
    """
    try:
        found = find(entry.adapter)
    except CatalogError as exc:
        raise CatalogError(f"{entry.place} {exc}") from exc
    return found(entry, device)


def built_in() -> list[str]:
    """The names of the adapters in this folder."""
    return [name for name in _modules() if _own(name)]


def _modules() -> list[str]:
    return [found.name for found in pkgutil.iter_modules(__path__)]


def _own(name: str) -> type[AnyAdapter] | None:
    """The adapter that the module of that name in this folder defines; None if there is none."""
    if name not in _modules():
        return None
    module = importlib.import_module(f"{__name__}.{name}")
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, Adapter) and one.__module__ == module.__name__:
            return None if inspect.isabstract(one) else one
    return None


def _loaded(name: str, point: EntryPoint) -> type[AnyAdapter]:
    try:
        found = point.load()
    except Exception as exc:  # whatever another package raises on import
        words = f"{type(exc).__name__}: {exc}" if not isinstance(exc, (ImportError, AttributeError)) else str(exc)
        raise CatalogError(f"adapter: {name!r} ({point.value}) cannot be imported: {words}") from exc
    if lack := _lack(found):
        raise CatalogError(f"adapter: {name!r} ({point.value}) {lack}")
    return cast(type[AnyAdapter], found)


def _lack(found: Any) -> str:
    """What a class lacks to be an adapter, in words; empty if it lacks nothing."""
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        return "is not a subclass of workers.adapters.base.Adapter"
    if "craft" in found.__abstractmethods__:
        return "does not say what it makes: it has no `craft`"
    if missing := sorted(found.__abstractmethods__):
        return f"has no {', '.join(f'`{one}`' for one in missing)}"
    if not isinstance(getattr(found, "version", None), str):
        return "has no `version`, a text that is part of artifacts' names"
    declared = found.input_model
    if declared is not None and not (isinstance(declared, type) and issubclass(declared, BaseModel)):
        return "has an `input_model` that is no class of pydantic's BaseModel"
    options = found.options_model
    if not (isinstance(options, type) and issubclass(options, Options)):
        return "has an `options_model` that is no subclass of Options"
    return ""
