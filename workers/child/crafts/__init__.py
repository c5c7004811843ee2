"""Which craft computes the parts of a task. A task that has none runs as plain Celery's, without the model.

A craft is a module of this folder, or one that an entry point `slotline.crafts` names.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from tasks import plugins
from workers.child.crafts.base import SlotCraft

CRAFTS = plugins.Place("workers.child.crafts", "slotline.crafts")


@functools.cache
def by_task() -> Mapping[str, SlotCraft[Any, Any]]:
    """All crafts, by the task that computes one input."""
    found: dict[str, SlotCraft[Any, Any]] = {}
    for one in plugins.instances(CRAFTS, SlotCraft):  # type: ignore[type-abstract]
        found.setdefault(one.craft.request.task, one)
    return found
