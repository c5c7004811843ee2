"""The state of a slot's sidecar: its lines, what it holds, and what its threads pass to each other.

Each field says which thread changes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.sidecar.shared.away_work import AwayWork
from workers.sidecar.shared.done import DoneQueue, NotBegunCalls
from workers.sidecar.shared.held import HeldBatch
from workers.sidecar.shared.incoming import Incoming
from workers.sidecar.shared.known_models import KnownModels
from workers.sidecar.shared.outbox import Outbox
from workers.sidecar.shared.stored import Stored
from workers.sidecar.shared.storing import Storing

if TYPE_CHECKING:
    from celery import Celery

    from workers.wire.frames import FrameLink
    from workers.wire.page import Page
    from workers.wire.spec import SlotSpec
    from workers.wire.work_line import SidecarEnd


@dataclass
class SidecarState:
    """This process."""

    app: Celery
    spec: SlotSpec
    page: Page
    parent: FrameLink
    """Any thread sends; the answers' thread receives."""
    line: SidecarEnd
    """The results' thread receives; the outbox sends."""
    incoming: Incoming = field(default_factory=Incoming)
    done: DoneQueue = field(default_factory=DoneQueue)
    batches: dict[int, HeldBatch] = field(default_factory=dict)
    """All that are not answered whole; the answers' thread adds, the away thread removes."""
    is_failing: bool = True
    """Whether the parent may have a failure of the model (also of an earlier child) as its last report; away's."""
    why_broken: str = ""
    """What the child said that ended it; the results' thread's."""
    stored: Stored = field(default_factory=Stored)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.line)
        self.away_work = AwayWork(self.page)
        self.storing = Storing(self.away_work, self.done)
        self.known = KnownModels(self.spec.entry, self.spec.device, self.outbox.load)

    def recall(self) -> None:
        """Take back all runs that the child has not begun, and let nobody wait for a model."""
        back = self.outbox.recall()
        self.known.recall()
        self.done.put(*(NotBegunCalls(run.batch, run=run) for run in back))
