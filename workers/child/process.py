"""The state of a slot's child process: its models, its end of the wire, its counts.

The main thread changes it, and any thread may read it. It is used in `main.py` (batches), `operations.py` (load,
unload, tidy), and `answers.py` (the parent's questions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.child.batch_limit import BatchLimit
from workers.sidecar.stages.work import Ran
from workers.wire.call import NotRun, TraceResult
from workers.wire.messages import BatchRan

if TYPE_CHECKING:
    from celery import Celery

    from workers.child.models.base import SlotModels
    from workers.child.models.lifecycle import Lifecycle
    from workers.wire.link import ChildEnd
    from workers.wire.spec import SlotSpec


@dataclass
class Counts:
    """What this process has run since its start. A batch without a run is not counted."""

    batches: int = 0
    jobs: int = 0
    failures: int = 0
    last_batch: int = 0
    largest_batch: int = 0

    def add(self, results: Sequence[TraceResult | NotRun]) -> None:
        """Count a batch by its results."""
        ran = [result for result in results if not isinstance(result, NotRun)]
        self.batches += bool(ran)
        self.jobs += len(ran)
        self.failures += sum(failed for failed, _, _ in ran)
        self.last_batch = len(ran) or self.last_batch
        self.largest_batch = max(self.largest_batch, len(ran))


@dataclass
class ChildState:
    """This process. `life` has the state of its models, which is sent to the parent."""

    app: Celery
    spec: SlotSpec
    link: ChildEnd
    life: Lifecycle
    models: SlotModels
    limit: BatchLimit = field(default_factory=BatchLimit)
    counts: Counts = field(default_factory=Counts)
    cancelled: set[str] = field(default_factory=set)
    """Delivery tags of cancelled requests, of the running batch or the next one."""
    over_limit: dict[str, str] = field(default_factory=dict)
    """Those of them whose sender's time limit is over: which limit."""
    is_failing: bool = True
    """Whether the parent may have a failure of the model (also of an earlier child) as its last report."""

    def report(self, ran: Ran) -> None:
        """Report to the parent each failure of the model, and the first success after failures."""
        if ran.failed or (ran.worked and self.is_failing):
            self.link.send(BatchRan(ran.failed, ran.worked))
            self.is_failing = not ran.worked
