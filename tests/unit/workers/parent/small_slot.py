"""A slot without a process: dispatcher and losses on an event loop of their own, over a scripted child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billiard.einfo import ExceptionInfo
from kombu.asynchronous import Hub

from tasks.catalog import parse
from tasks.flow.ledger import Ledger
from workers.parent.dispatcher import Dispatcher
from workers.parent.losses import Losses
from workers.parent.slot_request import SlotRequest
from workers.parent.supervisor import Supervisor
from workers.upstream.billiard import exception_info
from workers.wire.call import Call
from workers.wire.child_entry import ChildEntry
from workers.wire.limits import TimeLimit
from workers.wire.spec import SlotSpec
from workers.wire.state import State

RESULT = (0, "made", 0.1)
"""What Celery's tracer gives for a request that went well."""


def run_batch(calls: Sequence[Call]) -> list[Any]:
    """Named by the dispatcher as what the child runs; nothing runs here."""
    raise NotImplementedError


def run_operation(operation: Any) -> Any:
    """The same, for what happens between batches."""
    raise NotImplementedError


def begin(*args: Any) -> None:
    """The same, for a new process."""
    raise NotImplementedError


ENTRY = ChildEntry(begin, run_batch, run_operation)


@dataclass(eq=False)
class Handed:
    """One call that the child was given, and what it is to be answered by."""

    func: Callable[..., Any]
    what: Any
    callback: Callable[[Any], None]
    error_callback: Callable[[ExceptionInfo], None]
    accept_callback: Callable[[int, float], None]
    timeout: float | None

    def begin(self) -> None:
        """The child has begun it."""
        self.accept_callback(1, 10.0)

    def finish(self, *results: Any) -> None:
        """The child has run a batch to its end: one result a request."""
        self.callback(list(results))

    def lose(self, error: BaseException) -> None:
        """It was lost with the child, or by it."""
        self.error_callback(exception_info(error))


@dataclass
class ScriptedChild:
    """The child as the dispatcher sees it; notes what it is asked, and does nothing by itself."""

    has_child: bool = True
    takes: bool = True
    handed: list[Handed] = field(default_factory=list)
    buffered: list[Handed] = field(default_factory=list)
    """What was handed over and not yet sent."""
    taken_back: list[Handed] = field(default_factory=list)
    kills: list[bool] = field(default_factory=list)
    """Each time that it was killed: whether that was planned."""
    on_hear: Callable[[], None] = lambda: None
    flushes: int = 0

    def kill(self, *, is_planned: bool = False) -> None:
        """Note it."""
        self.kills.append(is_planned)

    def apply_async(self, func: Callable[..., Any], args: tuple[Any, ...], **callbacks: Any) -> Any:
        """Note it, and be handed it, unless it takes nothing."""
        if not self.takes:
            return None
        self.handed.append(Handed(func, args[0], **callbacks))
        return self.handed[-1]

    def is_sent(self, result: Any) -> bool:
        """Unless the test has put it among the buffered."""
        return result not in self.buffered

    def take_back(self, result: Any) -> None:
        """Note it."""
        self.taken_back.append(result)

    def hear(self, until: Callable[[], bool]) -> None:
        """What the test has prepared to be heard."""
        self.on_hear()

    def flush(self) -> None:
        """Note it."""
        self.flushes += 1


class SmallSlot:
    """All of a slot's parent but Celery's pool and a process; its model is ready, and a batch takes two requests."""

    def __init__(self, ledger: Callable[[], Ledger] | None = None, table: str = "batch_size = 2") -> None:
        entry = parse(f'[models.m]\nadapter = "rehearsal"\ntime_limit_s = 20\n{table}', "here", Path())["m"]
        spec = SlotSpec(entry, "cpu", "m-cpu-0@here", entry.batch_size, load_attempts=3)
        self.loop = Hub()
        self.supervisor = Supervisor(spec, self.loop, lambda: None)
        self.supervisor.stands_by, self.supervisor.state = True, State.READY
        self.child = ScriptedChild()
        self.dispatcher = Dispatcher(
            spec,
            ENTRY,
            self.supervisor,
            lambda: self.child,
            lambda run, einfo: self.losses.lost(run, einfo),
            lambda batch, request: self.losses.over_limit(batch, request),
        )
        self.losses = Losses(self.dispatcher, self.supervisor, ledger or _no_ledger, entry.time_limit_s)
        self.heard: dict[str, list[Any]] = {}
        """What each request was answered, by its id: results, and errors as exceptions."""
        self.order: list[str] = []
        """The ids in the order in which they were answered."""

    def request(
        self, name: str, limit: TimeLimit | None = None, headers: dict[str, Any] | None = None, **kwargs: Any
    ) -> SlotRequest:
        """One more request that waits."""

        def hear(answer: Any) -> None:
            exception = getattr(answer, "exception", answer)
            self.heard.setdefault(name, []).append(getattr(exception, "exc", exception))
            self.order.append(name)

        call = Call("task", name, headers or {}, [[], kwargs, {}], "", "")
        one = SlotRequest(call, hear, hear, lambda pid, accepted: None, limit, self.losses.terminate)
        self.dispatcher.join(one)
        return one

    def turn(self) -> None:
        """One turn of the event loop, up to where it would sleep."""
        for ready in self.loop._pop_ready():
            ready()
        self.loop.fire_timers()

    def running(self, *names: str) -> tuple[Handed, list[SlotRequest]]:
        """A batch of these requests, handed over and begun."""
        requests = [self.request(name) for name in names]
        self.turn()
        self.child.handed[-1].begin()
        return self.child.handed[-1], requests

    def batches(self) -> list[list[str]]:
        """The ids of each batch that was handed over."""
        return [[call.task_id for call in handed.what] for handed in self.child.handed if handed.func is run_batch]

    def waiting(self) -> list[str]:
        """The ids of what waits, in order."""
        return [request.call.task_id for request in self.dispatcher.pending]


def _no_ledger() -> Ledger:
    raise AssertionError("this test has no ledger")
