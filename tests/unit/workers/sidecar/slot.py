"""A slot's child and sidecar as real processes, with a test in the place of the parent."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from celery.app.trace import setup_worker_optimizations

from tasks.app import app
from tasks.catalog import ModelEntry
from tasks.redis.broker import celery_settings
from tasks.settings import settings
from tests.fixtures.waiting import GIVE_UP_S
from workers.child.main import begin, serve
from workers.sidecar.main import main
from workers.wire.batches import CallsEnded, ModelRan, Recall, Recalled, RunBatch
from workers.wire.call import Call
from workers.wire.child_entry import ChildEnds
from workers.wire.frames import FrameLink, frame_pair
from workers.wire.link import ParentEnd, pair
from workers.wire.messages import Loaded, StandsBy
from workers.wire.page import Page
from workers.wire.socket_end import LinkClosed
from workers.wire.spec import SlotSpec


@dataclass
class Slot:
    """The parent's view of a child and its sidecar."""

    pid: int
    link: ParentEnd
    line: FrameLink
    page: Page
    answers: dict[tuple[int, int], Any] = field(default_factory=dict)
    """(batch, call) -> how it ended."""
    heard: list[Any] = field(default_factory=list)
    """All else that the sidecar has said."""
    is_collected: bool = False

    def send(self, number: int, *calls: Call, is_alone: bool = False) -> None:
        """Hand over a batch."""
        self.line.send(RunBatch(number, calls, is_alone))

    def recall(self, number: int = 1) -> None:
        """Ask for what has not begun, and wait for the answer."""
        self.line.send(Recall(number))
        self.wait(lambda: Recalled(number) in self.heard)

    def wait(self, until: Any) -> None:
        """Hear the sidecar until `until()` is true."""
        deadline = time.monotonic() + GIVE_UP_S
        while not until():
            assert time.monotonic() < deadline, (self.answers, self.heard)
            with suppress(LinkClosed):
                self._hear(0.05)

    def ended(self, *keys: tuple[int, int]) -> list[Any]:
        """How these calls ended, waiting for them."""
        self.wait(lambda: all(key in self.answers for key in keys))
        return [self.answers[key] for key in keys]

    def until_closed(self) -> None:
        """Hear the sidecar until it has ended."""
        deadline = time.monotonic() + GIVE_UP_S
        with suppress(LinkClosed):
            while time.monotonic() < deadline:
                self._hear(0.05)
            raise AssertionError("the sidecar lives")

    def wait_until_computing(self, batch: int) -> None:
        """Wait until the child computes a run of this batch."""
        self.wait(lambda: (running := self.page.running()) is not None and running.batch == batch)

    def kill_child(self, number: int = signal.SIGKILL) -> None:
        """Kill the child."""
        os.kill(self.pid, number)

    def collect(self) -> int:
        """The child's status, when it has ended."""
        self.is_collected = True
        return os.waitpid(self.pid, 0)[1]

    def _hear(self, wait_s: float) -> None:
        for message in self.line.pending(wait_s):
            match message:
                case CallsEnded(number, results):
                    for index, result in results:
                        assert (number, index) not in self.answers, "answered twice"
                        self.answers[number, index] = result
                case ModelRan() | Recalled():
                    self.heard.append(message)


@contextmanager
def slot_of(entry: ModelEntry, batch_size: int = 1, is_lazy: bool = False) -> Iterator[Slot]:
    """The processes of a slot whose child has loaded its model (or waits for its first job)."""
    link, childs_link = pair()
    line, sidecars_line = frame_pair()
    page = Page()
    spec = SlotSpec(entry, "cpu", "w@here", batch_size, 3, is_lazy=is_lazy)
    pid = os.fork()
    if pid == 0:
        try:
            warnings.simplefilter("ignore")
            assert app.conf.broker_url  # loads the configuration, over which the next line is set
            found = celery_settings(settings().broker_url)
            app.conf.update(found)
            app.backend_cls = found["result_backend"]
            setup_worker_optimizations(app, "w@here")  # as Celery's worker does before it forks
            begin(main, ChildEnds(childs_link, link, sidecars_line, line, page), spec, frozenset(), app, "w@here")
            serve()
        finally:
            os._exit(9)
    childs_link.close()
    sidecars_line.close()
    slot = Slot(pid, link, line, page)
    try:
        messages: list[Any] = []
        deadline = time.monotonic() + GIVE_UP_S
        while not any(isinstance(message, (Loaded, StandsBy)) for message in messages):
            assert time.monotonic() < deadline, messages
            messages += link.pending(0.1)
        yield slot
    finally:
        link.close()
        line.close()
        for one in (0 if slot.is_collected else pid, page.sidecar_pid):
            with suppress(ProcessLookupError):
                if one:
                    os.kill(one, signal.SIGKILL)
        if not slot.is_collected:
            os.waitpid(pid, 0)
