"""The Python API for submitting jobs: submit a text, and get a `Job` to wait for, save and cancel.

A job is one message and one record, sent in one step. Nothing is computed here, and no code
of the workers is needed: both sides share only Redis and the store.
Importing this loads no model code, no Celery and no audio library.
"""

from __future__ import annotations

from collections.abc import Iterable

from producer.inference.client import InferClient
from producer.job import Job
from producer.map import MapClient
from producer.missing_workers import missing
from producer.speech import SpeechClient
from producer.summary import SummaryClient
from producer.video import VideoClient
from tasks.errors import UnknownJob
from tasks.estimates.estimate import Estimate, ended, estimates, unknown
from tasks.flow.cancel import part_named
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Record
from tasks.offers import Published
from tasks.pauses import Pause, pause_of, paused
from tasks.redis import task_id
from tasks.settings import settings


class Client(SpeechClient, SummaryClient, VideoClient, InferClient, MapClient):
    """Submits jobs to the broker at `broker_url`, long texts through the store at `store_url`.

    Both default to the settings. Every method may raise `BrokerUnavailable`. `submit` sends a request of
    any kind; the other `submit_…` methods and `map` build one from plain arguments.
    """

    @property
    def ledger(self) -> Ledger:
        """The ledger in the broker's database."""
        return self.connection.ledger

    def check(self) -> None:
        """Raise `BrokerUnavailable` if no Redis answers."""
        self.connection.check()

    def job(self, job_id: str) -> Job:
        """A job that any client has submitted; raises `UnknownJob` if this id is not recorded."""
        task_id.check(job_id)
        with self.connection.speaking():
            if not self.ledger.queries.exists(job_id):
                raise UnknownJob(f"id: no job {job_id!r} is recorded here; `slotline jobs` lists all jobs")
        return Job(self.connection, self.store, job_id)

    def cancel(self, job_id: str) -> bool:
        """Cancel a job or a task that any client has submitted, like `Job.cancel`.

        An id of which nothing is known is cancelled too: a task without a job is only a message while it waits.
        """
        task_id.check(job_id)
        return Job(self.connection, self.store, job_id).cancel()

    def knows(self, job_id: str) -> bool:
        """Whether anything is known of this id: a job, a part of one, or a result."""
        task_id.check(job_id)
        with self.connection.speaking():
            return self.ledger.queries.exists(job_id) or part_named(self.ledger, job_id) is not None

    def jobs(self, limit: int = 100) -> list[Record]:
        """The latest jobs, newest first."""
        with self.connection.speaking():
            return self.ledger.queries.jobs(limit)

    def estimate(self, job: Job | str) -> Estimate:
        """When a job will end, from measured times, what waits beside it and the slots that live; or why none is known.

        A chapter of a book is a job too. Raises `UnknownJob` for an id that is not recorded. An ended job has 0 s left.
        """
        job_id = job if isinstance(job, str) else job.id
        task_id.check(job_id)
        if found := self.estimates([job_id]).get(job_id):
            return found
        with self.connection.speaking():
            record, stored = self.ledger.queries.record(job_id), self.ledger.queries.stored_result(job_id)
        if record is None and stored is None:
            raise UnknownJob(f"id: no job {job_id!r} is recorded here; `slotline jobs` lists all jobs")
        if record is None:
            return unknown(job_id, "it is a single input: of a task without a job only its message is known")
        return ended(job_id, record.ended) if record.state == "ended" else unknown(job_id, "it changes just now")

    def estimates(self, job_ids: Iterable[str]) -> dict[str, Estimate]:
        """`estimate` of those of these jobs that are open, in one look."""
        with self.connection.speaking():
            return estimates(self.connection.redis, list(job_ids), settings().fair_share)

    def offer(self, model: str) -> Published | None:
        """The offer of the model's last ready worker (voices, sample rate), or None."""
        return self.connection.offer(model)

    def pause_of(self, model: str) -> Pause | None:
        """Since when the model is paused, and by whom; None if it is not."""
        with self.connection.speaking():
            return pause_of(self.connection.redis, model)

    def pauses(self) -> dict[str, Pause]:
        """All paused models, by name."""
        with self.connection.speaking():
            return paused(self.connection.redis)

    def has_worker(self, model: str) -> bool:
        """Whether a slot worker of this model is ready now."""
        with self.connection.speaking():
            return self.ledger.queries.has_worker(model)

    def missing_workers(self, model: str, needs_flow: bool = True) -> list[str]:
        """A line for each queue of a job that no ready worker reads now; `needs_flow`: it is more than one input."""
        with self.connection.speaking():
            return missing(self.ledger, model, needs_flow)
