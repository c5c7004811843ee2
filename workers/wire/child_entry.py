"""What a child's process runs, as `workers/startup.py` hands it to the parent, so that the parent imports no child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

    from workers.wire.call import Call, RunAlone, TraceResult
    from workers.wire.link import ChildEnd, ParentEnd
    from workers.wire.spec import SlotSpec


class Operation(StrEnum):
    """What the child does with its model between two batches."""

    LOAD = "load"
    UNLOAD = "unload"
    TIDY = "tidy"
    """Unload those of many small models that have been idle for too long."""


@dataclass(frozen=True)
class ChildEntry:
    """The three functions that run in the child; each stands at the top of a module, because it is sent by name."""

    begin: Callable[[ChildEnd, ParentEnd, SlotSpec, frozenset[str], Celery, str], None]
    """First of all, in a new process: with its end of the line, the parent's end (to be closed), what it serves,
    which of a registry's models it must not load, and Celery's application and the worker's name."""

    run_batch: Callable[[Sequence[Call]], list[TraceResult | RunAlone]]
    """Run these requests as one batch; one result each, in order."""

    run_operation: Callable[[Operation], Any]
    """Do that between batches; what it returns depends on the operation."""
