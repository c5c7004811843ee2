"""A slot without a process: all of its parent, on an event loop of its own, over a scripted child and sidecar.

The line and the page are real; the test plays their other ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kombu.asynchronous import Hub

from tasks.catalog import parse
from tasks.flow.ledger import Ledger
from workers.parent.dispatcher import Dispatcher
from workers.parent.losses import Losses
from workers.parent.pipeline.answers import Answers
from workers.parent.pipeline.flight import Flight
from workers.parent.pipeline.hand_over import HandOver
from workers.parent.pipeline.watch import Limits, Watch
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.wire.batches import CallsEnded, CancelCalls, Recall, Recalled, RunBatch
from workers.wire.call import Call, NotBegun, NotRun, TraceResult
from workers.wire.frames import FrameLink, frame_pair
from workers.wire.limits import TimeLimit
from workers.wire.link import ChildEnd, ParentEnd, pair
from workers.wire.messages import FromChild, FromParent, Operation, OperationRan, RunOperation
from workers.wire.page import Page
from workers.wire.spec import SlotSpec
from workers.wire.state import State

RESULT = (0, "made", 0.1)
"""What Celery's tracer gives for a request that went well."""

NO_PROCESS = 2**22 + 1
"""Beyond what Linux numbers its processes by."""


@dataclass
class ScriptedChild:
    """The child's process as the dispatcher sees it; notes that it is killed, and does nothing by itself."""

    has_child: bool = True
    kills: list[bool] = field(default_factory=list)
    """Each time that it was killed: whether that was planned."""

    def kill(self, *, is_planned: bool = False) -> None:
        """Note it."""
        self.kills.append(is_planned)


class ScriptedSidecar:
    """The other ends of the line and of the link, and the page."""

    def __init__(self, line: FrameLink, link: ChildEnd, page: Page) -> None:
        self.line = line
        self.link = link
        self.page = page
        self.heard: list[RunBatch | CancelCalls | Recall] = []
        self.asked: list[FromParent] = []
        self._runs = 0

    def hear(self) -> None:
        """Take what the parent has sent so far."""
        self.heard += self.line.pending()
        self.asked += self.link.pending()

    @property
    def batches(self) -> list[RunBatch]:
        """Every batch that was handed over."""
        return [one for one in self.heard if isinstance(one, RunBatch)]

    @property
    def operations(self) -> list[Operation]:
        """Every operation that the child was asked for."""
        return [one.operation for one in self.asked if isinstance(one, RunOperation)]

    @property
    def recalls(self) -> int:
        """How often it was asked for what has not begun."""
        return sum(isinstance(one, Recall) for one in self.heard)

    def begin(self, batch: RunBatch, *calls: int, at: float | None = None) -> None:
        """The child begins a run of these calls (all, if none is named)."""
        self._runs += 1
        named = calls or range(len(batch.calls))
        self.page.begin_run(self._runs, batch.number, list(named), time.monotonic() if at is None else at)


class SmallSlot:
    """A slot's parent; its model is ready, and computes two requests at once."""

    def __init__(
        self, ledger: Callable[[], Ledger] | None = None, table: str = "batch_size = 2", depth: int = 3
    ) -> None:
        entry = parse(f'[models.m]\nadapter = "rehearsal"\ntime_limit_s = 20\n{table}', "here", Path())["m"]
        spec = SlotSpec(entry, "cpu", "m-cpu-0@here", entry.batch_size, load_attempts=3)
        self.loop = Hub()
        self.child = ScriptedChild()
        self.supervisor = Supervisor(spec, self.loop, lambda: None)
        self.flight = Flight(self.loop, lambda: self.child)
        self.hand_over = HandOver(spec.batch_size)
        self.dispatcher = Dispatcher(spec, self.supervisor, self.flight, self.hand_over, depth)
        self.losses = Losses(self.dispatcher, self.flight, self.supervisor, ledger or _no_ledger)
        self.answers = Answers(self.flight, self.dispatcher, self.losses, self.supervisor, self.hand_over)
        limits = Limits(spec.limit_s, f"time_limit_s = {entry.time_limit_s:g}", stage_s=60.0, grace_s=0.5)
        self.now = 0.0
        """Seconds that the watch's clock is ahead."""
        self.watch = Watch(
            self.flight,
            self.dispatcher,
            self.losses,
            self.supervisor,
            self.hand_over,
            limits,
            clock=lambda: time.monotonic() + self.now,
        )
        self._ends: list[FrameLink | ChildEnd | ParentEnd] = []
        self._pid = NO_PROCESS
        self.start_child()
        self.heard: dict[str, list[Any]] = {}
        """What each request was answered, by its id: results, and errors as exceptions."""
        self.order: list[str] = []
        """The ids in the order in which they were answered."""
        self.started: list[str] = []
        """The ids that Celery was told have begun."""

    def start_child(self) -> None:
        """A (further) child stands by, with its model loaded."""
        (line, sidecars), (link, childs), page = frame_pair(1.0), pair(), Page()
        self._pid += 1
        self.sidecar = ScriptedSidecar(sidecars, childs, page)
        self._ends += [line, sidecars, link, childs]
        self.supervisor.started(self._pid, link)
        self.flight.began(self._pid, line, page)
        self.supervisor.stands_by, self.supervisor.state = True, State.READY

    def close(self) -> None:
        """Close all ends and the loop."""
        for end in self._ends:
            end.close()
        self.loop.close()

    def request(
        self, name: str, limit: TimeLimit | None = None, headers: dict[str, Any] | None = None, **kwargs: Any
    ) -> SlotRequest:
        """One more request that waits."""

        def hear(answer: Any) -> None:
            exception = getattr(answer, "exception", answer)
            self.heard.setdefault(name, []).append(getattr(exception, "exc", exception))
            self.order.append(name)

        call = Call("task", name, headers or {}, [[], kwargs, {}], "", "")
        accept = lambda pid, accepted: self.started.append(name)  # noqa: E731
        one = SlotRequest(call, hear, hear, accept, limit, self.losses.terminate)
        self.dispatcher.join(one)
        return one

    def turn(self) -> None:
        """One turn of the event loop, up to where it would sleep."""
        self.flight.hear_all()
        for ready in self.loop._pop_ready():
            ready()
        self.loop.fire_timers()
        if self.sidecar.line.fileno() >= 0:
            self.sidecar.hear()

    def batch(self, *names: str) -> tuple[RunBatch, list[SlotRequest]]:
        """A batch of these requests, handed over."""
        requests = [self.request(name) for name in names]
        self.turn()
        return self.sidecar.batches[-1], requests

    def running(self, *names: str) -> tuple[RunBatch, list[SlotRequest]]:
        """A batch of these requests, handed over and begun."""
        batch, requests = self.batch(*names)
        self.sidecar.begin(batch)
        return batch, requests

    def answer(self, batch: RunBatch, results: dict[int, TraceResult | NotRun], **computed: Any) -> None:
        """The sidecar says how these calls ended."""
        self.sidecar.line.send(CallsEnded(batch.number, list(results.items()), **computed))
        self.flight.hear_all()
        self.sidecar.hear()

    def finish(self, batch: RunBatch, *results: TraceResult | NotRun) -> None:
        """The child has run the batch, and the sidecar has put it away: one result a request."""
        self.sidecar.page.end_run(time.monotonic())
        self.answer(batch, dict(enumerate(results)))

    def recalled(self, **calls: Sequence[int]) -> None:
        """The sidecar gives back what it is asked for: calls by their batch (`b1=[0, 1]`)."""
        for name, indices in calls.items():
            self.sidecar.line.send(CallsEnded(int(name[1:]), [(call, NotBegun()) for call in indices]))
        numbers = [one.number for one in self.sidecar.heard if isinstance(one, Recall)]
        self.sidecar.line.send(Recalled(numbers[-1]))
        self.flight.hear_all()

    def ran_operation(self, answer: float | None = None) -> None:
        """The child has run the operation that it was asked for last."""
        numbers = [one.number for one in self.sidecar.asked if isinstance(one, RunOperation)]
        self.from_child(OperationRan(numbers[-1], answer))

    def from_child(self, message: FromChild) -> None:
        """The child says something over the link."""
        self.sidecar.link.send(message)
        self.supervisor.catch_up()

    def child_dies(self, how: str = "signal 11 (SIGSEGV)", *, was_loading: bool = False) -> None:
        """The child's process was collected."""
        self.child.has_child = False
        self.flight.child_died(self._pid, how, was_loading=was_loading)

    def sidecar_ends(self) -> None:
        """The sidecar has said its last words, or has died."""
        self.sidecar.line.close()
        self.flight.hear_all()

    def batches(self) -> list[list[str]]:
        """The ids of each batch that was handed over."""
        self.sidecar.hear()
        return [[call.task_id for call in batch.calls] for batch in self.sidecar.batches]

    def waiting(self) -> list[str]:
        """The ids of what waits, in order."""
        return [request.call.task_id for request in self.dispatcher.pending]


def _no_ledger() -> Ledger:
    raise AssertionError("this test has no ledger")
