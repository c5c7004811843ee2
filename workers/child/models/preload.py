"""Loads the models that a registry's table names in `preload`, before the slot is ready.

Guarantee: one that cannot be loaded is named in one line of the log, and does not affect the others; only what would
fail each load is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from tasks.errors import SlotlineError
from workers.child.models import loading

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

logger = logging.getLogger(__name__)


def preload(entry: ModelEntry, load: Callable[[str], int]) -> None:
    """Load them in order; `load` loads one, and returns how many models were unloaded to make room for it."""
    for number, name in enumerate(entry.preload):
        try:
            unloaded = load(name)
        except (SlotlineError, OSError) as exc:
            if not loading.can_be_retried(exc):
                raise
            logger.error("%s preload: %s is not loaded: %s", entry.place, name, exc)
            continue
        if unloaded:
            fit = f"max_memory_gb = {entry.max_memory_gb:g} has no room for more than {number} of them"
            logger.error("%s preload: %s", entry.place, fit)
            break
