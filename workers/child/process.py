"""The state of a slot's child process: its models, its ends of the wire, its counts.

The main thread changes it, and any thread may read it; the answers' thread adds operations and cancel marks. It is
used in `serving.py` (runs), `operations.py` (load, unload, tidy), and `answers.py` (the parent's messages).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.child.batch_limit import BatchLimit

if TYPE_CHECKING:
    from celery import Celery

    from workers.child.models.base import SlotModels
    from workers.child.models.lifecycle import Lifecycle
    from workers.wire.link import ChildEnd
    from workers.wire.messages import RunOperation
    from workers.wire.page import Page
    from workers.wire.spec import SlotSpec
    from workers.wire.work_line import ModelEnd


@dataclass
class Counts:
    """What this process has computed since its start; a batch is one run of the model here."""

    batches: int = 0
    jobs: int = 0
    failures: int = 0
    last_batch: int = 0
    largest_batch: int = 0

    def add(self, jobs: int, failures: int) -> None:
        """Count a run."""
        self.batches += 1
        self.jobs += jobs
        self.failures += failures
        self.last_batch = jobs
        self.largest_batch = max(self.largest_batch, jobs)


class Cancelled:
    """The calls that are cancelled, by their batches; the marks of a batch go when a later one is computed."""

    def __init__(self) -> None:
        self._marks: dict[int, frozenset[int]] = {}

    def add(self, batch: int, calls: Iterable[int]) -> None:
        """Mark calls of a batch."""
        self._marks[batch] = self._marks.get(batch, frozenset()).union(calls)

    def of(self, batch: int) -> frozenset[int]:
        """The marked calls of a batch."""
        return self._marks.get(batch, frozenset())

    def forget_before(self, batch: int) -> None:
        """Forget the marks of earlier batches, whose runs have all ended."""
        for earlier in [number for number in list(self._marks) if number < batch]:
            self._marks.pop(earlier, None)


@dataclass
class ChildState:
    """This process. `life` has the state of its models, which is sent to the parent."""

    app: Celery
    spec: SlotSpec
    link: ChildEnd
    line: ModelEnd
    page: Page
    life: Lifecycle
    models: SlotModels
    limit: BatchLimit = field(default_factory=BatchLimit)
    counts: Counts = field(default_factory=Counts)
    cancelled: Cancelled = field(default_factory=Cancelled)
    operations: deque[RunOperation] = field(default_factory=deque)
    """What the parent has asked for and the main thread has not begun."""
