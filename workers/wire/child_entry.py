"""The functions that run in the child. `workers/startup.py` passes them, so the parent need not import the child."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeAlias

if TYPE_CHECKING:
    from celery import Celery

    from workers.wire.frames import FrameLink
    from workers.wire.link import ChildEnd, ParentEnd
    from workers.wire.page import Page
    from workers.wire.spec import SlotSpec
    from workers.wire.work_line import SidecarEnd


SidecarMain: TypeAlias = "Callable[[Celery, SlotSpec, Page, FrameLink, SidecarEnd], NoReturn]"
"""What the sidecar runs, with its ends of the lines to the parent and to the child; the child forks it."""


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
    """The two functions that run in the child; each is at the top level of a module, because it is sent by name."""

    begin: Callable[[ChildEnds, SlotSpec, frozenset[str], Celery, str], None]
    """Called first in a new process, with its ends of the lines, its slot, the registry's models that it must not
    load, Celery's application and the worker's name. It forks the sidecar, and loads the model."""

    serve: Callable[[], None]
    """Compute runs and run operations; returns never, because the process ends when its parent or sidecar does."""
