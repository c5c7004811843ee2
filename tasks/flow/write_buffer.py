"""A buffer for what the tasks of one batch write to Redis at their end: gathered, and sent together.

A slot's child opens the buffer, lets Celery trace each request of a batch, and sends, all
before any result of the batch goes to the parent. So nothing is acknowledged before it is
written, and a batch costs one round trip where each request would cost two or three.
Where the buffer is not open (a flow worker, a failure on its way) each write is sent at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from redis.exceptions import ResponseError

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Settlement, StoredResult


class WriteBuffer:
    """The writes of one process' running batch, by the task that they belong to; one thread's."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._settled: list[tuple[str, Settlement]] = []
        self._results: list[tuple[str, StoredResult]] = []
        self.is_open = False

    def settle(self, task_id: str, settlement: Settlement) -> None:
        """Settle the part that this task has computed."""
        self._settled.append((task_id, settlement))
        self._unless_open()

    def store(self, task_id: str, result: StoredResult) -> None:
        """Store this task's result; after what it settled."""
        self._results.append((task_id, result))
        self._unless_open()

    def open(self) -> None:
        """Gather from now on; writes of a batch that did not end are dropped."""
        self._settled, self._results, self.is_open = [], [], True

    def send(self) -> dict[str, ResponseError]:
        """Send all writes and close; returns the tasks with a refused write, and Redis' error for each.

        Raises redis-py's errors if it is not known that all was written.
        """
        settled, results = self._settled, self._results
        self._settled, self._results, self.is_open = [], [], False
        answers: list[tuple[str, object]] = []
        # In this order, so that a client that sees a result finds its part settled.
        answers += _named(settled, self._ledger.transitions.settle_all([one for _, one in settled]) if settled else ())
        answers += _named(results, self._ledger.transitions.store_all([one for _, one in results]) if results else ())
        return {task_id: answer for task_id, answer in answers if isinstance(answer, ResponseError)}

    def _unless_open(self) -> None:
        if not self.is_open:
            for refused in self.send().values():
                raise refused


def _named(given: Iterable[tuple[str, object]], answers: Iterable[object]) -> list[tuple[str, object]]:
    return [(task_id, answer) for (task_id, _), answer in zip(given, answers, strict=True)]
