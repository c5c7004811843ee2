"""A buffer for what a batch writes to Redis at its end: gathered, and sent together in one round trip.

A slot opens the buffer, gives it the claims to release, lets Celery trace each request of the batch (which adds the
settlements and results), and sends, all before any result of the batch goes to the parent. So nothing is acknowledged
before it is written. Whatever the order in which the writes came, a settlement goes before a result, and releases are
last (`tasks/flow/ledger/endings.py`).
Where the buffer is not open (a flow worker, a failure on its way) each write is sent at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from time import monotonic

from redis.exceptions import ResponseError

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Settlement, StoredResult
from tasks.flow.ledger.run_times import Ended, RunTimes

logger = logging.getLogger(__name__)


class WriteBuffer:
    """The writes of one process' running batch, by the task that they belong to; one thread's."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._settled: list[tuple[str, Settlement]] = []
        self._results: list[tuple[str, StoredResult]] = []
        self._claims: list[tuple[str, str]] = []
        self._run_times = RunTimes()
        self.is_open = False

    def settle(self, task_id: str, settlement: Settlement) -> None:
        """Settle the part that this task has computed."""
        self._settled.append((task_id, settlement))
        self._unless_open()

    def store(self, task_id: str, result: StoredResult) -> None:
        """Store this task's result; after what it settled."""
        self._results.append((task_id, result))
        self._unless_open()

    def release(self, artifact: str, tag: str) -> None:
        """Release an artifact that the message `tag` claimed, made or failed; after all that is settled and stored.

        A release that Redis refuses is logged and costs no task anything: the claim is free when its lease ends.
        """
        self._claims.append((artifact, tag))
        self._unless_open()

    def open(self) -> None:
        """Gather from now on; writes of a batch that did not end are dropped."""
        self._empty()
        self.is_open = True

    def send(self) -> dict[str, ResponseError]:
        """Send all writes and close; returns the tasks with a refused write, and Redis' error for each.

        Raises redis-py's errors if it is not known that all was written.
        """
        settled, results, claims = self._settled, self._results, self._claims
        self._empty()
        self.is_open = False
        ended = self._ended(settled, results)
        written = self._ledger.endings.write([one for _, one in settled], [one for _, one in results], claims, ended)
        for (artifact, _), answer in zip(claims, written.released, strict=True):
            if isinstance(answer, ResponseError):
                logger.warning("%s is not released: %s", artifact, answer)
        answers = [*_named(settled, written.settled), *_named(results, written.stored)]
        return {task_id: answer for task_id, answer in answers if isinstance(answer, ResponseError)}

    def _ended(
        self, settled: Sequence[tuple[str, Settlement]], results: Sequence[tuple[str, StoredResult]]
    ) -> Sequence[Ended]:
        """What is to be noted of how long it took.

        What was reused took no time of the model. Of a task without a job only its result is known.
        """
        parts = [(one.job_id, one.part) for _, one in settled if one.computed and one.attempt]
        alone = {task_id for task_id, _ in results} - {task_id for task_id, _ in settled}
        return self._run_times.end(monotonic(), parts) if parts or alone else ()

    def _empty(self) -> None:
        self._settled, self._results, self._claims = [], [], []

    def _unless_open(self) -> None:
        if not self.is_open:
            for refused in self.send().values():
                raise refused


def _named(given: Iterable[tuple[str, object]], answers: Iterable[object]) -> list[tuple[str, object]]:
    return [(task_id, answer) for (task_id, _), answer in zip(given, answers, strict=True)]
