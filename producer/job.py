"""A submitted job: its progress, its result, its files, its cancelling.

It has no state of its own: everything is read from the ledger and from Celery's stored
result, so any process may use it at any time. Computes nothing and submits nothing.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, cast

from typing_extensions import TypeVar

from producer import results
from producer.files.pieces import pieces_of_files
from producer.files.save import save
from tasks.errors import ArtifactMissing, BrokerUnavailable, InvalidInput, UnknownJob
from tasks.flow.cancel import broadcast, cancel
from tasks.flow.ledger.record import Measure
from tasks.messages import Result
from tasks.pauses import Pause
from tasks.redis import broker
from tasks.terminal import interrupt

if TYPE_CHECKING:
    from producer.connection import Connection
    from tasks.media.pieces import Pieces
    from tasks.store.artifacts import Store

ResultT = TypeVar("ResultT", default=Result, covariant=True)

POLL_S = 0.1
POLL_MAX_S = 0.5
PATIENCE_S = 120.0
"""How long `wait` goes on while Redis does not answer; a restart takes only seconds."""


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
class _Look:
    """What one look at a job found; `final` is Celery's stored result if it is final."""

    progress: Progress
    final: dict[str, Any] | None
    is_known: bool


class Job(Generic[ResultT]):
    """The job with this id. Its parts and state are read through `connection`; its files are in `store`."""

    def __init__(self, connection: Connection, store: Store, job_id: str) -> None:
        self.connection = connection
        self.store = store
        self.id = job_id

    def __repr__(self) -> str:
        return f"<Job {self.id}>"

    def progress(self) -> Progress:
        """The progress now."""
        with self.connection.speaking():
            return self._look().progress

    def status(self) -> str:
        """Celery's state: PENDING, PROGRESS, SUCCESS, FAILURE or REVOKED."""
        return self.progress().state

    def wait(
        self,
        timeout_s: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> ResultT:
        """Wait for the result; raises the job's own error (`PartsFailed`, `UnknownVoice`, …).

        `on_progress` is called whenever the progress has changed. Raises `TimeoutError`
        after `timeout_s`, `BrokerUnavailable` if Redis does not answer for longer than
        `patience_s`, `UnknownJob` if the job's record is removed in this time.
        """
        began_s = answered_s = time.monotonic()
        seen: _Look | None = None
        pause_s = POLL_S
        while True:
            try:
                look = interrupt.call(functools.partial(self._look_again, seen))
            except BrokerUnavailable:
                if time.monotonic() - answered_s > patience_s:
                    raise
            else:
                answered_s = time.monotonic()
                if seen is None or look.progress != seen.progress:
                    pause_s = POLL_S
                    if on_progress:
                        on_progress(look.progress)
                seen = look
                if look.final is not None:
                    return self._made(look.final)
            if timeout_s is not None and time.monotonic() - began_s >= timeout_s:
                raise TimeoutError(f"job {self.id} has not ended within {timeout_s:g} s")
            interrupt.pause(pause_s)
            pause_s = min(pause_s * 1.2, POLL_MAX_S)

    def cancel(self) -> bool:
        """End the job as REVOKED, and a book's chapters with it; False if it has ended already.

        Parts that have not begun are dropped. Running parts stop at their next safe point, or their child is killed
        after `SLOTLINE_CANCEL_GRACE_S`. If one chapter of a book is cancelled, it is a failed part of the book.
        """
        with self.connection.speaking():
            # An id without a record is a task without a job: only its message exists.
            return cancel(self.connection.ledger, self.id, self._notify_workers, even_unknown=True)

    def result(self) -> ResultT:
        """The result of a job that has ended; raises its own error, or `InvalidInput` while it is open."""
        with self.connection.speaking():
            stored = self._ended()
        return self._made(stored)

    def save(self, path: str | Path, format: str | None = None) -> list[Path]:
        """Save the result of a job that succeeded; returns the files. Without `format` the path's suffix decides.

        A paragraph, chapter or summary becomes the file `path`; a book or many inputs become the folder `path`, with
        one file for each. Raises `InvalidInput` for an unknown format or a job without audio, `OtherStore` if live
        workers use another store.
        """
        with self._reading(f"job {self.id} is not saved") as result:
            return save(self.store, result, Path(path), format)

    def pieces(self) -> list[Pieces | None]:
        """When each piece of the text is spoken, and each word where the model knows it; the job has succeeded.

        One list for each file of `save`, in order; None for a file that is missing, or is not a sound. The times are in
        the result, or in the store: raises the errors of `save`.
        """
        with self._reading(f"the pieces of job {self.id} are not read") as result:
            return pieces_of_files(self.store, result.files(self.store.read_text))

    @contextlib.contextmanager
    def _reading(self, consequence: str) -> Iterator[Result]:
        """The result, and a check of the store before it is read; the job's error is raised."""
        with self.connection.speaking():
            stored = self._ended()
        self.connection.check_store(self.store, consequence)
        result = results.of(self.id, stored)
        with self._explaining(consequence):
            yield result

    @contextlib.contextmanager
    def _explaining(self, consequence: str) -> Iterator[None]:
        """Inside this block an artifact that is missing because the workers have another store is `OtherStore`."""
        try:
            yield
        except ArtifactMissing:
            self.connection.explain_missing(self.store, consequence)
            raise

    def _made(self, stored: dict[str, Any]) -> ResultT:
        """The result in Celery's final entry; raises the error in it."""
        # Workers that started after the job was sent may use another store than the one that has its texts.
        with self._explaining(f"job {self.id} failed, because its texts are not there"):
            return cast(ResultT, results.of(self.id, stored))

    def _ended(self) -> dict[str, Any]:
        look = self._look()
        if look.final is None:
            raise InvalidInput(f"id: job {self.id} has not ended yet ({look.progress.state})")
        return look.final

    def _notify_workers(self, ids: Sequence[str]) -> None:
        from celery import Celery

        with Celery("slotline-producer", set_as_current=False) as app:
            app.conf.update(broker.celery_settings(self.connection.url))
            broadcast(app)(ids)

    def _look_again(self, seen: _Look | None) -> _Look:
        with self.connection.speaking():
            look = self._look()
        if seen is not None and seen.is_known and not look.is_known:
            raise UnknownJob(f"id: {results.NOT_RECORDED.format(self.id)}")
        return look

    def _look(self) -> _Look:
        """What is known now. Celery's stored result decides, because it is written last."""
        stored, record, paused = self.connection.ledger.queries.standing(self.id)
        state = stored["status"] if stored else "PENDING" if record is None or record.state == "sent" else "PROGRESS"
        final = stored if stored and state in results.FINAL else None
        if record is None:
            return _Look(Progress(state), final, is_known=stored is not None)
        counts = (record.total, record.done, record.failed, record.skipped, record.computed)
        pause = None if final else paused.get(record.model)
        return _Look(Progress(state, *counts, measure=record.measure, pause=pause), final, is_known=True)
