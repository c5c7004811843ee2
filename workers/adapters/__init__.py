"""Which adapter a name of the catalog means; imports that one alone, and nothing heavy.

Built-in adapters stand in the table below; other packages add theirs by an entry point
of the group `slotline.adapters` (name = "module:Class"). A built-in name cannot be taken
over. An adapter is found here and not loaded.
"""

from __future__ import annotations

import difflib
from importlib.metadata import EntryPoint, entry_points

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError
from workers.adapters.base import Adapter

GROUP = "slotline.adapters"

BUILT_IN = {
    "bart": "workers.adapters.bart:Bart",
    "espeak": "workers.adapters.espeak:Espeak",
    "rehearsal": "workers.adapters.rehearsal:Rehearsal",
    "viettts": "workers.adapters.viettts:VietTTS",
}


def find(name: str) -> type[Adapter]:
    """The adapter class of that name; raises `CatalogError` with the known names, or why it cannot be had."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    points |= {known: EntryPoint(known, value, GROUP) for known, value in BUILT_IN.items()}
    if name not in points:
        near = difflib.get_close_matches(name, points, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "there are: " + ", ".join(sorted(points))
        raise CatalogError(f"adapter: there is no adapter {name!r}; {hint}")
    point = points[name]
    try:
        found = point.load()
    except (ImportError, AttributeError) as exc:
        raise CatalogError(f"adapter: {name!r} ({point.value}) cannot be imported: {exc}") from exc
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        raise CatalogError(f"adapter: {name!r} ({point.value}) is no subclass of workers.adapters.base.Adapter")
    if "craft" in found.__abstractmethods__:
        raise CatalogError(f"adapter: {name!r} ({point.value}) does not say what it makes: it has no `craft`")
    return found


def adapter_of(entry: ModelEntry, device: str) -> Adapter:
    """The adapter of a catalog's table, with its options checked, not loaded.

    Raises `CatalogError` that names the table and its line.
    """
    try:
        found = find(entry.adapter)
    except CatalogError as exc:
        raise CatalogError(f"{entry.place} {exc}") from exc
    return found(entry, device)
