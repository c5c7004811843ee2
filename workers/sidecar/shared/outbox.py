"""The runs that were made ready: sends them to the child, as far as its socket has room, and takes back the not begun.

Any thread may use it. Guarantee: it never waits for the child to compute, so a run can be recalled at any time. A run
that is larger than the room is sent when the child has nothing else, and reads at once.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from workers.sidecar.shared.held import HeldRun
from workers.wire.frames import packed
from workers.wire.socket_end import LinkClosed
from workers.wire.work_line import LoadVariant, SidecarEnd

ROOM_BYTES = 96 * 1024
"""Less than a socket holds by default on Linux, of which the kernel's own notes take a part."""


@dataclass(eq=False)
class _Entry:
    number: int
    held: HeldRun | None
    frame: bytes
    is_answered: bool = False


class Outbox:
    """Numbers runs, sends them in order over `line`, and knows which of them the child has not answered."""

    def __init__(self, line: SidecarEnd) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._numbers = 0
        self._waiting: deque[_Entry] = deque()
        self._sent: deque[_Entry] = deque()
        self._is_closed = False

    def number(self) -> int:
        """A new number for a run."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def send(self, runs: Iterable[HeldRun]) -> None:
        """Send these runs after all others."""
        self._add(_Entry(one.run.number, one, packed(one.run)) for one in runs)

    def load(self, variant: str | None) -> int:
        """Ask the child to load a model, after all runs; returns the number of the question."""
        number = self.number()
        self._add([_Entry(number, None, packed(LoadVariant(number, variant)))])
        return number

    @property
    def next_answered(self) -> HeldRun | None:
        """The run that the child answers next; None if that is a question, or there is nothing to answer."""
        with self._lock:
            return next((one.held for one in self._sent if not one.is_answered), None)

    def ended(self, number: int) -> HeldRun | None:
        """The child has answered this number: the run, and the room for the next ones."""
        with self._lock:
            found = next((one for one in self._sent if one.number == number), None)
            if found is not None:
                found.is_answered = True
            # The child has read all frames up to this one, also of runs that were recalled.
            while self._sent and self._sent[0].number <= number:
                self._sent.popleft()
            self._pump()
            return found.held if found else None

    def recall(self) -> list[HeldRun]:
        """Take back all runs that the child has not begun; questions for a model are dropped."""
        with self._lock:
            waiting = [one.held for one in self._waiting]
            self._waiting.clear()
            try:
                numbers = self._line.recall()
            except LinkClosed:
                numbers = frozenset()
            back = [one for one in self._sent if one.number in numbers and not one.is_answered]
            for one in back:
                one.is_answered = True
            return [held for held in (*(one.held for one in back), *waiting) if held is not None]

    def close(self) -> list[HeldRun]:
        """The child has died: all runs that it has not answered."""
        with self._lock:
            self._is_closed = True
            left = [one.held for one in (*self._sent, *self._waiting) if not one.is_answered]
            self._sent.clear()
            self._waiting.clear()
            return [held for held in left if held is not None]

    def _add(self, entries: Iterable[_Entry]) -> None:
        with self._lock:
            self._waiting.extend(entries)
            self._pump()

    def _pump(self) -> None:
        """Send what fits; called with the lock."""
        if self._is_closed:
            return
        used = sum(len(one.frame) for one in self._sent)
        is_idle = all(one.is_answered for one in self._sent)
        chosen: list[_Entry] = []
        while self._waiting and ((is_idle and not chosen) or used + len(self._waiting[0].frame) <= ROOM_BYTES):
            chosen.append(self._waiting.popleft())
            used += len(chosen[-1].frame)
        if not chosen:
            return
        self._sent.extend(chosen)
        with contextlib.suppress(LinkClosed):  # who receives from the child notices its death, and closes this
            self._line.send_packed([one.number for one in chosen], b"".join(one.frame for one in chosen))
