"""The thread that parts from models which the child has unloaded: ends what their adapters hold here, and frees it.

A thread of its own, because neither the results of other models nor the next batch may wait for it. It decides
nothing: `known_models.py` says when nobody uses an adapter any more. Guarantee: an adapter that fails does not
affect the others.
"""

from __future__ import annotations

import logging
from queue import SimpleQueue
from typing import TYPE_CHECKING

from workers.adapters import hardware

if TYPE_CHECKING:
    from workers.adapters.base import AnyAdapter

logger = logging.getLogger(__name__)


def run(parting: SimpleQueue[AnyAdapter]) -> None:
    """Part from each adapter that comes, as long as the process lives."""
    while True:
        part(parting.get())


def part(adapter: AnyAdapter) -> None:
    """Let the adapter end what it holds, and give its memory back, which may be as much as a model's."""
    try:
        adapter.detach()
    except Exception:  # the boundary to the adapter's own code
        logger.exception("%s could not end what it holds here", adapter.entry.name)
    del adapter
    hardware.release("cpu")
