"""Finds the craft of a task. A task without a craft runs like any Celery task, without the model.

A craft is a module of this folder, or a module that an entry point `slotline.crafts` names.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from tasks import plugins
from workers.sidecar.crafts.base import SlotCraft

CRAFTS = plugins.Place("workers.sidecar.crafts", "slotline.crafts")


@functools.cache
def by_task() -> Mapping[str, SlotCraft[Any, Any]]:
    """All crafts, by the name of the task that computes one input."""
    found: dict[str, SlotCraft[Any, Any]] = {}
    for one in plugins.instances(CRAFTS, SlotCraft):  # type: ignore[type-abstract]
        found.setdefault(one.craft.request.task, one)
    return found


def by_name(name: str) -> SlotCraft[Any, Any]:
    """The craft of that name, which must be one of them."""
    return next(one for one in by_task().values() if one.craft.name == name)
