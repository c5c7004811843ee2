"""A sidecar's state in the process of a test: real lines, whose other ends the test holds, and no threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from celery import Celery

from tasks.flow.ledger import Ledger
from tests.unit.workers.child.rehearsals import entry
from workers.adapters.rehearsal import Rehearsal
from workers.sidecar import away, ready, tracing
from workers.sidecar.process import SidecarState
from workers.sidecar.shared.held import HeldBatch, HeldRun
from workers.wire.call import Call
from workers.wire.frames import FrameLink, frame_pair
from workers.wire.page import Page
from workers.wire.spec import SlotSpec
from workers.wire.work_line import ModelEnd, ModelOffers, Run, RunEnded, work_line


@dataclass
class Around:
    """A sidecar, and who is around it."""

    sidecar: SidecarState
    parent: FrameLink
    child: ModelEnd

    def knows_the_model(self) -> None:
        """The child has told what its model offers."""
        adapter = Rehearsal(self.sidecar.spec.entry, "cpu")
        self.sidecar.known.told(ModelOffers(adapter.load()))

    def batch(self, number: int, *calls: Call, is_alone: bool = False) -> HeldBatch:
        """A batch that the sidecar holds."""
        held = self.sidecar.batches[number] = HeldBatch(number, calls, is_alone)
        return held

    def heard(self) -> list[Any]:
        """All that the parent has been told."""
        return self.parent.pending(0.0)


@contextmanager
def around(app: Celery | None = None, batch_size: int = 1) -> Iterator[Around]:
    """A sidecar of the rehearsal."""
    line, child = work_line()
    parents, ours = frame_pair()
    spec = SlotSpec(entry(), "cpu", "w@here", batch_size, 3)
    sidecar = SidecarState(app or Celery("unused", set_as_current=False), spec, Page(), ours, line)
    try:
        yield Around(sidecar, parents, child)
    finally:
        for end in (line, child, parents, ours):
            with suppress(OSError):  # a test has closed it
                end.close()


def use_ledger(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    """Let the sidecar's modules use this ledger."""
    for module in (away, ready, tracing):
        monkeypatch.setattr(module, "ledger", lambda app: ledger)


def run_of(batch: HeldBatch, number: int, *work: Any, size: int = 0) -> HeldRun:
    """A run of this work; `size` bytes of input."""
    items = [one.part for one in work] or ["x" * size]
    return HeldRun(Run(number, batch.number, [one.calls for one in work], items), batch, work)


def computed(child: ModelEnd, result: Any) -> RunEnded:
    """Let the child compute its next run, with this result for each input."""
    given = child.next()
    assert isinstance(given, Run)
    ended = RunEnded(given.number, [result] * len(given.items), 0.5)
    child.answer(ended)
    return ended
