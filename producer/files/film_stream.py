"""The film of a job while it is computed: fragmented mp4, in order, from the ledger and the store.

Follows the job, and joins each stretch with its part of the sound as soon as the stretch and all before it are there.
Computes nothing, encodes no picture and needs no worker. Memory does not grow with the film's length; the sound is
copied to a scratch folder.

Guarantee: it ends only when the job has succeeded and all pieces together are the whole film. Otherwise it raises.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from producer.looks import Progress, looks
from tasks.errors import ArtifactMissing, BrokerUnavailable, InvalidInput
from tasks.media.film.join import FilmWriter
from tasks.media.film.pyav import load
from tasks.messages import VideoRequest, VideoResult
from tasks.store.file_system import BLOCK_BYTES
from tasks.store.scratch import scratch_folder
from tasks.terminal import interrupt

if TYPE_CHECKING:
    from producer.connection import Connection
    from tasks.store.artifacts import Store

POLL_MAX_S = 0.15
"""A reader looks more often than others who wait: a stretch is late by this."""

SPOKEN_FIRST = ".2"
"""A job that has a text spoken first has the film as its second part, which is a job of this ending."""


class _Pieces(io.BufferedIOBase):
    """What a writer has written since it was last taken. Cannot be sought in."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        taken, self._waiting = bytes(self._waiting), bytearray()
        return taken


class _Stretches:
    """The stretches of a job's film, in order, as they become ready."""

    def __init__(self, connection: Connection, store: Store, job_id: str) -> None:
        self._connection, self._store, self._job_id = connection, store, job_id
        self._queries = connection.ledger.queries
        self._film_job = ""
        self._total = 0
        self.sound = ""
        """The artifact with the sound; empty while it is not known."""
        self.given = 0

    @property
    def are_all_given(self) -> bool:
        """Whether nothing comes any more."""
        return 0 < self._total == self.given

    def next(self) -> bytes | None:
        """The next one; None while it is not there. Raises `InvalidInput` for a job that makes no film."""
        with self._connection.speaking():
            if not self._is_found() or self.are_all_given:
                return None
            outcome = self._queries.outcome(self._film_job, self.given + 1)
        if outcome is None or "film" not in outcome:
            return None
        try:
            data = self._store.read_bytes(outcome["film"]["artifact"])
        except ArtifactMissing:  # it is computed again when the film is joined
            return None
        self.given += 1
        return data

    def _is_found(self) -> bool:
        """Whether the job whose parts are the stretches is open, and so its parts are known."""
        if self._film_job:
            return True
        record = self._queries.record(self._job_id)
        if record is not None and record.kind != VideoRequest.kind:
            raise _no_film(self._job_id)
        for job_id in (self._job_id, self._job_id + SPOKEN_FIRST):
            params = self._queries.params(job_id)
            if "audio" not in params:
                continue
            if params.get("pictures"):
                raise InvalidInput(f"id: job {self._job_id} makes pictures, and no film that can be streamed")
            if found := self._queries.record(job_id):
                self._film_job, self._total, self.sound = job_id, found.total, str(params["audio"])
                return True
        return False


def stream_film(
    connection: Connection,
    store: Store,
    job_id: str,
    result: Callable[[], object],
    on_progress: Callable[[Progress], None] | None = None,
    on_look: Callable[[], object] | None = None,
) -> Iterator[bytes]:
    """See `Job.stream_film`. `result` gives the result of the job when it has ended, or raises its error."""
    load("film")  # if PyAV is missing, this is said before anything is waited for
    refusal = f"the film of job {job_id} is not read"
    connection.check_store(store, refusal)
    stretches, pieces = _Stretches(connection, store, job_id), _Pieces()
    writer: FilmWriter | None = None
    with contextlib.ExitStack() as stack:
        for look in looks(connection, job_id, on_progress=on_progress, poll_max_s=POLL_MAX_S, on_look=on_look):
            for data in _ready(stretches, is_last=look.final is not None):
                if writer is None:
                    sound = stack.enter_context(scratch_folder()) / "sound"
                    with connection.explaining(store, refusal):
                        store.fetch(stretches.sound, sound)
                    film = FilmWriter(cast(BinaryIO, pieces), sound, fragmented=True, name="audio")
                    writer = stack.enter_context(film)
                writer.add(data)
                if stretches.are_all_given:
                    writer.finish()
                if written := pieces.take():
                    yield written
    made = result()
    if not isinstance(made, VideoResult) or made.film is None:
        raise _no_film(job_id)
    if stretches.are_all_given:
        return
    if stretches.given:
        raise ArtifactMissing(f"stretch {stretches.given + 1} of job {job_id} is no longer in the store; save the film")
    with connection.explaining(store, refusal):
        yield from _whole(store, made.film.artifact)


def _ready(stretches: _Stretches, is_last: bool) -> Iterator[bytes]:
    """All that are there now. While Redis is away there is none; the looks have the patience."""
    while True:
        try:
            data = interrupt.call(stretches.next)
        except BrokerUnavailable:
            if is_last:
                raise
            return
        if data is None:
            return
        yield data


def _whole(store: Store, film: str) -> Iterator[bytes]:
    """A finished film, whose stretches are gone, as it is."""
    with scratch_folder() as folder:
        store.fetch(film, folder / "film.mp4")
        with (folder / "film.mp4").open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block


def _no_film(job_id: str) -> InvalidInput:
    return InvalidInput(f"id: job {job_id} makes no film")
