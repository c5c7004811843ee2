"""The status of a slot's child as JSON; from any thread, also while a batch runs or a model loads."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from workers.adapters import hardware
from workers.wire.state import LOADING

if TYPE_CHECKING:
    from workers.child.process import ChildState

logger = logging.getLogger(__name__)


def status(child: ChildState) -> dict[str, Any]:
    """Times in seconds since 1970, memory in bytes. Never raises: if a model's library does, fields are missing."""
    state = {"pid": os.getpid(), "state": child.life.state, "since": child.life.since}
    try:
        return {**state, **_details(child)}
    except Exception:  # the boundary to a model's libraries
        logger.exception("the status of %s is not complete", child.spec.entry.name)
        return state


def _details(child: ChildState) -> dict[str, Any]:
    return {
        "model": child.spec.entry.name,
        "is_loading": child.life.state in LOADING,
        **vars(child.counts),
        "largest_fit": child.limit.last,
        **hardware.memory(child.spec.device),
        **child.models.status(),
    }
