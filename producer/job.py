"""A submitted job: its progress, its result, its files, its cancelling.

It has no state of its own: everything is read from the ledger and from Celery's stored
result, so any process may use it at any time. Computes nothing and submits nothing.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, cast

from typing_extensions import TypeVar

from producer import results
from producer.files.film_stream import stream_film
from producer.files.pieces import pieces_of_files
from producer.files.save import save
from producer.looks import PATIENCE_S, Progress, look, looks
from tasks.errors import InvalidInput
from tasks.flow.cancel import broadcast, cancel
from tasks.messages import Result
from tasks.redis import broker

if TYPE_CHECKING:
    from producer.connection import Connection
    from tasks.media.pieces import Pieces
    from tasks.store.artifacts import Store

__all__ = ["PATIENCE_S", "Job", "Progress"]

ResultT = TypeVar("ResultT", default=Result, covariant=True)


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
        return look(self.connection, self.id).progress

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
        [last] = deque(looks(self.connection, self.id, timeout_s, on_progress, patience_s), maxlen=1)
        assert last.final is not None
        return self._made(last.final)

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

    def stream_film(
        self,
        on_progress: Callable[[Progress], None] | None = None,
        on_look: Callable[[], object] | None = None,
    ) -> Iterator[bytes]:
        """The film of this job while it is computed: fragmented mp4 in order, a piece as soon as its stretch is there.

        All pieces together are the whole film. It ends when the job has succeeded; raises the job's own error when it
        fails, `InvalidInput` for a job that makes no film, and the errors of `wait` and `save`. `on_look` is called
        several times a second while it waits. Needs PyAV.
        """
        return stream_film(self.connection, self.store, self.id, self.result, on_progress, on_look)

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
        stored = self._ended()
        self.connection.check_store(self.store, consequence)
        result = results.of(self.id, stored)
        with self.connection.explaining(self.store, consequence):
            yield result

    def _made(self, stored: dict[str, Any]) -> ResultT:
        """The result in Celery's final entry; raises the error in it."""
        # Workers that started after the job was sent may use another store than the one that has its texts.
        with self.connection.explaining(self.store, f"job {self.id} failed, because its texts are not there"):
            return cast(ResultT, results.of(self.id, stored))

    def _ended(self) -> dict[str, Any]:
        found = look(self.connection, self.id)
        if found.final is None:
            raise InvalidInput(f"id: job {self.id} has not ended yet ({found.progress.state})")
        return found.final

    def _notify_workers(self, ids: Sequence[str]) -> None:
        from celery import Celery

        with Celery("slotline-producer", set_as_current=False) as app:
            app.conf.update(broker.celery_settings(self.connection.url))
            broadcast(app)(ids)
