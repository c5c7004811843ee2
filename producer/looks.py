"""Looks at a job in Redis: once, or again and again until it has ended. Changes nothing.

Whoever waits for a job waits here: the pace of the looks, the patience while Redis is away, and the end. The end is
seen at once, because Redis tells it between two looks (`tasks/redis/result_news.py`).
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from producer import results
from tasks.errors import BrokerUnavailable, UnknownJob
from tasks.flow.ledger.record import Measure
from tasks.pauses import Pause
from tasks.redis.result_news import ResultNews
from tasks.terminal import interrupt

if TYPE_CHECKING:
    from producer.connection import Connection

POLL_S = 0.1
POLL_MAX_S = 0.5
PATIENCE_S = 120.0
"""How long a wait goes on while Redis does not answer; a restart takes only seconds."""


@dataclass(frozen=True)
class Progress:
    """The progress of a job. `state` is Celery's after the job has ended, else PENDING or PROGRESS.

    `measure` is how much the job has made so far, with a unit: seconds of audio, characters. `pause` says that its
    model is paused, while the job is open.
    """

    state: str
    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    computed: int = 0
    measure: Measure | None = None
    pause: Pause | None = None

    @property
    def settled(self) -> int:
        """Parts that have ended: done, failed or skipped."""
        return self.done + self.failed + self.skipped


@dataclass(frozen=True)
class Look:
    """What one look at a job found; `final` is Celery's stored result if it is final."""

    progress: Progress
    final: dict[str, Any] | None
    is_known: bool


def look(connection: Connection, job_id: str) -> Look:
    """What is known now. Celery's stored result decides, because it is written last."""
    with connection.speaking():
        stored, record, paused = connection.ledger.queries.standing(job_id)
    state = stored["status"] if stored else "PENDING" if record is None or record.state == "sent" else "PROGRESS"
    final = stored if stored and state in results.FINAL else None
    if record is None:
        return Look(Progress(state), final, is_known=stored is not None)
    counts = (record.total, record.done, record.failed, record.skipped, record.computed)
    pause = None if final else paused.get(record.model)
    return Look(Progress(state, *counts, measure=record.measure, pause=pause), final, is_known=True)


def looks(
    connection: Connection,
    job_id: str,
    timeout_s: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    patience_s: float = PATIENCE_S,
    poll_max_s: float = POLL_MAX_S,
    on_look: Callable[[], object] | None = None,
) -> Iterator[Look]:
    """One look after another; the last one is that of a job that has ended.

    The pauses grow up to `poll_max_s` while the progress is the same; `on_progress` is called when it has changed, and
    `on_look` each time, also while Redis is away. Raises `TimeoutError` after `timeout_s`, `BrokerUnavailable` if Redis
    does not answer for longer than `patience_s`, `UnknownJob` if the job's record is removed in this time.
    """
    began_s = answered_s = time.monotonic()
    seen: Look | None = None
    pause_s = POLL_S
    with contextlib.closing(ResultNews(lambda: connection.redis, job_id)) as news:
        while True:
            if (found := _patient_look(connection, job_id, seen, answered_s + patience_s)) is not None:
                answered_s = time.monotonic()
                if seen is None or found.progress != seen.progress:
                    pause_s = POLL_S
                    if on_progress:
                        on_progress(found.progress)
                seen = found
                yield found
                if found.final is not None:
                    return
            if on_look:
                on_look()
            if timeout_s is not None and time.monotonic() - began_s >= timeout_s:
                raise TimeoutError(f"job {job_id} has not ended within {timeout_s:g} s")
            news.wait(pause_s)
            pause_s = min(pause_s * 1.2, poll_max_s)


def _patient_look(connection: Connection, job_id: str, seen: Look | None, until_s: float) -> Look | None:
    """One look, or None where Redis does not answer; after `until_s` its error is raised."""
    try:
        return interrupt.call(functools.partial(_look_again, connection, job_id, seen))
    except BrokerUnavailable:
        if time.monotonic() > until_s:
            raise
        return None


def _look_again(connection: Connection, job_id: str, seen: Look | None) -> Look:
    found = look(connection, job_id)
    if seen is not None and seen.is_known and not found.is_known:
        raise UnknownJob(f"id: {results.NOT_RECORDED.format(job_id)}")
    return found
