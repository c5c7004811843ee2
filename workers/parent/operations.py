"""The operations on the child's model: load, unload, tidy. One at a time, and only while nothing is in flight.

They go to the child over the link (`RunOperation`), and their answers come back there. Guarantees: an operation that
fails, or takes longer than its limit, costs the child; one whose child dies has no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workers.parent.supervisor import Supervisor
from workers.wire.messages import Operation, OperationRan, RunOperation


@dataclass(frozen=True)
class _Running:
    number: int
    operation: Operation
    done: Callable[[Any], None]


class Operations:
    """The operation that the child runs. `failed` is called with a reason when it fails, or takes too long."""

    def __init__(self, supervisor: Supervisor, failed: Callable[[str], None], ended: Callable[[], None]) -> None:
        self._supervisor = supervisor
        self._failed = failed
        self._ended = ended
        self._numbers = 0
        self._running: _Running | None = None
        supervisor.operation_ran = self._ran

    @property
    def running(self) -> Operation | None:
        """The operation that the child runs now; None if it runs none."""
        return self._running.operation if self._running else None

    def run(self, operation: Operation, limit_s: float | None, done: Callable[[Any], None]) -> bool:
        """Let the child run it; `done` gets the child's answer. False if there is no child."""
        self._numbers += 1
        if not self._supervisor.send(RunOperation(self._numbers, operation)):
            return False
        self._running = _Running(self._numbers, operation, done)
        if limit_s is not None:
            self._supervisor.loop.call_later(limit_s, self._check, self._numbers, limit_s)
        return True

    def child_gone(self) -> None:
        """The child is dead: what it ran has no answer."""
        self._running = None

    def _ran(self, message: OperationRan) -> None:
        running = self._running
        if running is None or running.number != message.number:
            return
        self._running = None
        if message.error:
            self._failed(f"{running.operation} failed: {message.error}")
        self._ended()
        running.done(message.answer)

    def _check(self, number: int, limit_s: float) -> None:
        if self._running is not None and self._running.number == number:
            self._failed(f"{self._running.operation} took longer than {limit_s:g} s")
