"""The functions that run in the child. `workers/startup.py` passes them, so the parent need not import the child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

    from workers.wire.call import Call, NotRun, TraceResult
    from workers.wire.frames import FrameLink
    from workers.wire.link import ChildEnd, ParentEnd
    from workers.wire.page import Page
    from workers.wire.spec import SlotSpec


class Operation(StrEnum):
    """What the child can do with its model between two batches."""

    LOAD = "load"
    UNLOAD = "unload"
    TIDY = "tidy"
    """Unload the models of a registry that are idle for too long."""


@dataclass(frozen=True)
class ChildEnds:
    """What a child gets from its parent before the fork: its end of the link, the parent's end (to close); the
    sidecar's end of the line for batches, the parent's end of it (to close); the page that all three share."""

    link: ChildEnd
    parents_link: ParentEnd
    sidecars_line: FrameLink
    parents_line: FrameLink
    page: Page


@dataclass(frozen=True)
class ChildEntry:
    """The three functions that run in the child; each is at the top level of a module, because it is sent by name."""

    begin: Callable[[ChildEnd, ParentEnd, SlotSpec, frozenset[str], Celery, str], None]
    """Called first in a new process, with its end of the link, the parent's end (to close), its slot, the registry's
    models that it must not load, Celery's application and the worker's name."""

    run_batch: Callable[[Sequence[Call]], list[TraceResult | NotRun]]
    """Run these requests as one batch; one result each, in order."""

    run_operation: Callable[[Operation], Any]
    """Run an operation between batches; its result depends on the operation."""
