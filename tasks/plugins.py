"""Finds the modules of each kind of work: all modules of a folder, and those of other packages' entry points.

No table lists the kinds. Every module in slotline's own folder is found; another package
names its module in an entry point of the folder's group. Guarantees: slotline's own modules
come first, so no other package can replace them; a module of another package that cannot be
imported is logged and left out, and costs no other; the result is the same for the whole life
of the process.
"""

from __future__ import annotations

import functools
import importlib
import logging
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

logger = logging.getLogger(__name__)

FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Place:
    """Where to find modules of one sort: a package of slotline, and the group of other packages' entry points."""

    package: str
    group: str


MESSAGES = Place("tasks.messages", "slotline.messages")
"""Requests, results, and the descriptions of crafts."""
KINDS = Place("tasks.kinds", "slotline.kinds")
"""Tasks, how jobs are split and put together, and what crafts say of their parts."""


@functools.cache
def module_names(place: Place) -> tuple[str, ...]:
    """The modules' dotted names: first those in the package's folder, then those of the group's entry points."""
    folder = importlib.import_module(place.package).__path__
    own = [found.name for found in pkgutil.iter_modules(folder, f"{place.package}.")]
    others = sorted(point.module for point in entry_points(group=place.group))
    return tuple(dict.fromkeys([*own, *others]))


@functools.cache
def modules(place: Place) -> tuple[ModuleType, ...]:
    """The imported modules. One of slotline's own that cannot be imported raises its own error."""
    found = []
    for name in module_names(place):
        try:
            found.append(importlib.import_module(name))
        except Exception as exc:  # whatever another package raises on import is its own fault alone
            if name.startswith(f"{place.package}."):
                raise
            logger.error(
                "%s (%s) cannot be imported and is left out: %s: %s", name, place.group, type(exc).__name__, exc
            )
    return tuple(found)


def instances(place: Place, wanted: type[FoundT]) -> Iterator[FoundT]:
    """The instances of a class that these modules define, each once, in the order of the modules."""
    found: dict[int, FoundT] = {}
    for module in modules(place):
        for one in vars(module).values():
            if issubclass(type(one), wanted):  # `isinstance` would have Celery set up the tasks that it meets
                found[id(one)] = one
    yield from found.values()


def classes(place: Place, base: type[FoundT]) -> Iterator[type[FoundT]]:
    """The subclasses of `base` that these modules define themselves."""
    for module in modules(place):
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, base) and one.__module__ == module.__name__:
                yield one
