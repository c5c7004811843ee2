"""What belongs to a kind of work, found where it lies: every module of a folder, and other packages' entry points.

No table names a kind. A module of slotline's own folder is known by lying there; another
package names its module in an entry point of the folder's group. Guarantees: slotline's
own come first, so that nothing of theirs can be taken over; what is found stays the same
as long as the process lives.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

from tasks.errors import SettingsError

FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Place:
    """Where modules of one sort lie: a package of slotline's own, and the group of other packages' entry points."""

    package: str
    group: str


MESSAGES = Place("tasks.messages", "slotline.messages")
"""Requests, results, and the crafts' descriptions."""
KINDS = Place("tasks.kinds", "slotline.kinds")
"""Tasks, how jobs are split and put together, and what crafts say of their parts."""


@functools.cache
def module_names(place: Place) -> tuple[str, ...]:
    """The modules' dotted names: those in the package's folder, then those that the group's entry points name."""
    folder = importlib.import_module(place.package).__path__
    own = [found.name for found in pkgutil.iter_modules(folder, f"{place.package}.")]
    others = sorted(point.module for point in entry_points(group=place.group))
    return tuple(dict.fromkeys([*own, *others]))


@functools.cache
def modules(place: Place) -> tuple[ModuleType, ...]:
    """The modules themselves, imported; raises `SettingsError` that names one which cannot be."""
    found = []
    for name in module_names(place):
        try:
            found.append(importlib.import_module(name))
        except ImportError as exc:
            raise SettingsError(f"{name}, of {place.package} or {place.group}, cannot be imported: {exc}") from exc
    return tuple(found)


def instances(place: Place, wanted: type[FoundT]) -> Iterator[FoundT]:
    """What those modules hold of a class, each once, in the modules' order."""
    found: dict[int, FoundT] = {}
    for module in modules(place):
        for one in vars(module).values():
            if issubclass(type(one), wanted):  # `isinstance` would have Celery set up the tasks that it meets
                found[id(one)] = one
    yield from found.values()


def classes(place: Place, base: type[FoundT]) -> Iterator[type[FoundT]]:
    """The subclasses of `base` that those modules define themselves."""
    for module in modules(place):
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, base) and one.__module__ == module.__name__:
                yield one
