"""The batches that the parent has handed over and nobody has begun to make ready, and the parent's recalls.

The answers' thread adds, the ready thread takes. Guarantee: a recall that comes while a batch is made ready is known
to the ready thread before it sends a run of it, and is given to it when that batch is through.
"""

from __future__ import annotations

import threading
from collections import deque

from workers.sidecar.shared.held import HeldBatch


class Incoming:
    """The queue between the two threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._batches: deque[HeldBatch] = deque()
        self._recalls: list[int] = []
        self._is_busy = False
        self._is_closed = False

    def put(self, batch: HeldBatch) -> None:
        """Add a batch at the end."""
        with self._changed:
            self._batches.append(batch)
            self._changed.notify_all()

    def next(self) -> HeldBatch | None:
        """The next batch, waiting for it; None once closed. It counts as being made ready until `done`."""
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._is_closed)
            if self._is_closed:
                return None
            self._is_busy = True
            return self._batches.popleft()

    def done(self) -> list[int]:
        """The batch is through; returns the recalls that came meanwhile."""
        with self._changed:
            recalls, self._recalls, self._is_busy = self._recalls, [], False
            return recalls

    def recall(self, number: int) -> tuple[list[HeldBatch], bool]:
        """Take all batches that nobody has begun; and whether the ready thread is busy, and has to end this recall."""
        with self._changed:
            taken = list(self._batches)
            self._batches.clear()
            if self._is_busy:
                self._recalls.append(number)
            return taken, self._is_busy

    @property
    def is_recalled(self) -> bool:
        """Whether what is being made ready was recalled, or nobody would compute it."""
        return bool(self._recalls) or self._is_closed

    def close(self) -> list[HeldBatch]:
        """The child has died: the batches that nobody has begun; `next` returns None from now on."""
        with self._changed:
            taken = list(self._batches)
            self._batches.clear()
            self._is_closed = True
            self._changed.notify_all()
            return taken
