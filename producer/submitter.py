"""Sends a request of any kind: checks it, writes long texts to the store, and sends one message with its record.

Names no kind of work: a request has its own task and kind, its own check against the model, and
its own way to refer to texts in the store. The files of the kinds (`speech.py`, `summary.py`,
`map.py`) only build requests.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from producer.connection import Connection
from producer.inference.named_files import check_files
from producer.job import Job
from producer.missing_workers import MissingWorkers
from tasks.catalog import catalog
from tasks.errors import SlotlineError
from tasks.flow import envelope
from tasks.messages import ModelRequest, PartRequest
from tasks.messages.base import JobRequest
from tasks.messages.variants import headers_of
from tasks.redis import task_id
from tasks.routing import ALONE, FLOW_QUEUE, list_key, queue_of
from tasks.settings import settings
from tasks.store.artifacts import Store

if TYPE_CHECKING:
    from tasks.offers import Published

logger = logging.getLogger(__name__)


class Submitter:
    """Submits to the broker at `broker_url`, long texts through the store at `store_url`; defaults are the settings.

    Without a broker in the settings it is the stack that runs on this machine. A broker's default store is its own.
    """

    def __init__(self, broker_url: str | None = None, store_url: str | None = None) -> None:
        chosen = settings.with_broker(broker_url) if broker_url else settings.look_again()
        self.connection = Connection(broker_url or chosen.broker_url)
        self.store = Store(store_url or chosen.store)
        self.note: Callable[[str], None] = logger.warning
        """Gets a line when a job is submitted that waits, because no ready worker reads a queue of it."""
        self._missing = MissingWorkers()

    def submit(self, request: ModelRequest, job_id: str | None = None) -> Job[Any]:
        """Send a request; raises `InvalidInput`, `UnknownModel` or `OtherStore` before anything is sent or stored.

        A `JobRequest` is recorded; if the same request is recorded under `job_id` already, nothing is sent. Any other
        request is one message to the model's own queue, with a higher priority than parts of jobs, and has no record.
        Raises `IdInUse` if `job_id` belongs to another request.
        """
        is_own, job_id = job_id is None, str(uuid.uuid4()) if job_id is None else job_id
        task_id.check(job_id)
        offer = self._check(request)
        self.check_store("nothing was sent")
        if isinstance(request, PartRequest):
            check_files(self.store, [request], offer)
        words, sizes = (request.words(), request.input_sizes()) if isinstance(request, JobRequest) else ("", ())
        request = request.by_reference(self.store.put_text)
        if not is_own:
            self._check_id(job_id, request)
        if isinstance(request, JobRequest):
            self._send_job(request, job_id, words, sizes)
        else:
            self._send_alone(request, job_id, offer)
        self._note_missing_workers(request)
        return Job(self.connection, self.store, job_id)

    def take_up(self, request: JobRequest, name: str = "") -> tuple[Job[Any], bool]:
        """The open job of the same request, or a new one like `submit`; and whether it was open already.

        So what is started again goes on. `name` identifies the request; empty: a digest of its task and fields.
        """
        self.check_store("nothing was sent")
        name = name or _digest_of(request)
        with self.connection.speaking():
            record = self.connection.ledger.queries.named(name)
        if record is not None and record.state != "ended":
            return Job(self.connection, self.store, record.job_id), True
        job_id = str(uuid.uuid4())
        # Named before it is sent: if the process dies in between, the name has no job and is ignored.
        with self.connection.speaking():
            self.connection.ledger.transitions.name_job(name, job_id)
        return self.submit(request, job_id), False

    def _check_id(self, job_id: str, request: ModelRequest) -> None:
        with self.connection.speaking():
            first = self.connection.ledger.queries.request_of(job_id)
        if first and first != _digest_of(request):
            raise task_id.in_use(job_id)

    def _note_missing_workers(self, request: ModelRequest) -> None:
        needs_flow = isinstance(request, JobRequest)
        try:
            with self.connection.speaking():
                lines = self._missing.news(self.connection.ledger, request.model, needs_flow, time.monotonic())
        except SlotlineError:  # the job is sent
            return
        for line in lines:
            self.note(line)

    def check_store(self, consequence: str = "it cannot be used") -> None:
        """Raise `OtherStore` if live workers use another store than this client; `consequence` is in its message."""
        self.connection.check_store(self.store, consequence)

    def _check(self, request: ModelRequest) -> Published | None:
        """Refuse a model that neither the catalog nor a worker knows, and a request that the model does not serve.

        Returns the model's offer.
        """
        offer = self.connection.offer(request.model)
        request.check(None if offer else catalog()[request.model], offer)
        return offer

    def _send_job(self, request: JobRequest, job_id: str, title: str, sizes: Sequence[int]) -> None:
        message = envelope.new_message(request.task, job_id, request.fields(), FLOW_QUEUE)
        voice = getattr(request, "voice", None) or ""  # every record has this field; empty: no voice
        flow = list_key(FLOW_QUEUE, 0)
        with self.connection.speaking():
            self.connection.ledger.transitions.submit(
                job_id,
                request.kind,
                title,
                request.model,
                voice,
                flow,
                message,
                _digest_of(request),
                sizes,
                request.timeout_s,
            )

    def _send_alone(self, request: ModelRequest, job_id: str, offer: Published | None) -> None:
        queue, priority = queue_of(request.model), ALONE
        headers = headers_of(request, None if offer else catalog()[request.model], offer)
        message = envelope.new_message(request.task, job_id, request.fields(), queue, priority, headers)
        with self.connection.speaking():
            self.connection.ledger.transitions.send(list_key(queue, priority), job_id, message, request.timeout_s)


def _digest_of(request: ModelRequest) -> str:
    return task_id.digest_of(request.task, request.fields())
