"""The Python API for sending work: submit a text, get a `Job` to wait for, to save and to cancel.

A job is one message and one record, sent in one step; nothing is computed here, and
nothing of the workers is needed: Redis and the store are all that both sides share.
Importing this loads no model code, no Celery and no audio library.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from producer.connection import Connection
from producer.job import Job
from producer.map_job import MapJob
from tasks.catalog import catalog
from tasks.errors import UnknownJob
from tasks.flow import envelope
from tasks.flow.cancel import part_named
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Record
from tasks.messages import (
    INLINE_TEXT_BYTES,
    BookRequest,
    BookResult,
    ChapterRequest,
    ChapterResult,
    MapRequest,
    ModelRequest,
    ParagraphRequest,
    ParagraphResult,
    SummariesResult,
    SummaryTextRequest,
    SummaryTextsRequest,
    TextSummaryResult,
)
from tasks.messages.inputs import checked_inputs, fields_of
from tasks.messages.lookup import craft_named, craft_of
from tasks.offers import Published
from tasks.routing import FLOW_QUEUE, PRIORITIES, list_key, queue_of
from tasks.settings import settings
from tasks.store.artifacts import Store


class Client:
    """Submits jobs to the broker at `broker_url`, long texts through the store at `store_url`.

    Both default to the settings. Every method may raise `BrokerUnavailable`.
    """

    def __init__(self, broker_url: str | None = None, store_url: str | None = None) -> None:
        self.connection = Connection(broker_url or settings().broker_url)
        self.store = Store(store_url or settings().store)

    @property
    def ledger(self) -> Ledger:
        """The ledger in the broker's database."""
        return self.connection.ledger

    def check(self) -> None:
        """Raise `BrokerUnavailable` when no Redis answers."""
        self.connection.check()

    def submit_paragraph(
        self, text: str, *, model: str, voice: str | None = None, speed: float = 1.0
    ) -> Job[ParagraphResult]:
        """One text that one slot speaks at once; raises `InvalidInput` before anything is sent."""
        request = ParagraphRequest.parse({"text": text, "model": model, "voice": voice, "speed": speed})
        job_id = str(uuid.uuid4())
        queue, priority = queue_of(request.model), PRIORITIES["say"]
        message = envelope.new_message("speech.paragraph", job_id, request.fields(), queue, priority)
        with self.connection.speaking():
            self._check(request)
            self.ledger.transitions.send(list_key(queue, priority), message)
        return self._job(job_id)

    def submit_chapter(self, text: str, *, model: str, **options: Any) -> Job[ChapterResult]:
        """A text of any length, to become one file; `options` are the further fields of `ChapterRequest`."""
        request = ChapterRequest.parse({"text": text, "model": model, **options})
        if len(text.encode(errors="replace")) > INLINE_TEXT_BYTES:
            with self.connection.speaking():
                self._check(request)
            request = request.model_copy(update={"text": None, "text_ref": self.store.put_text(str(request.text))})
        return self._job(self._submit("chapter", request))

    def submit_book(
        self, chapters: Iterable[Mapping[str, Any]], *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[BookResult]:
        """Chapters (`title`, and `text` or `text_ref`) in order, each to become one file.

        `options` are the further fields of `BookRequest`. With a `job_id` that is recorded
        already nothing is sent.
        """
        request = BookRequest.parse({"chapters": [dict(one) for one in chapters], "model": model, **options})
        if sum(len(one.text.encode()) for one in request.chapters if one.text) > INLINE_TEXT_BYTES:
            with self.connection.speaking():
                self._check(request)
            stored = [
                one.model_copy(update={"text": None, "text_ref": self.store.put_text(one.text)}) if one.text else one
                for one in request.chapters
            ]
            request = request.model_copy(update={"chapters": stored})
        return self._job(self._submit("book", request, job_id))

    def submit_summary(
        self, text: str, *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[TextSummaryResult]:
        """A text of any length, to become one summary; `options` are the further fields of `SummaryTextRequest`.

        With a `job_id` that is recorded already nothing is sent.
        """
        request = SummaryTextRequest.parse({"text": text, "model": model, **options})
        if len(text.encode(errors="replace")) > INLINE_TEXT_BYTES:
            with self.connection.speaking():
                self._check(request)
            request = request.model_copy(update={"text": None, "text_ref": self.store.put_text(str(request.text))})
        return self._job(self._submit_summary("text", "summary", request, job_id))

    def submit_summaries(
        self, texts: Iterable[str | Mapping[str, Any]], *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[SummariesResult]:
        """Texts (or `title`, and `text` or `text_ref`) in order, each to become one summary.

        `options` are the further fields of `SummaryTextsRequest`. With a `job_id` that is recorded already nothing
        is sent.
        """
        given = fields_of("texts", texts, {})
        request = SummaryTextsRequest.parse({"texts": given, "model": model, **options})
        if sum(len(one.text.encode()) for one in request.texts if one.text) > INLINE_TEXT_BYTES:
            with self.connection.speaking():
                self._check(request)
            stored = [
                one.model_copy(update={"text": None, "text_ref": self.store.put_text(one.text)}) if one.text else one
                for one in request.texts
            ]
            request = request.model_copy(update={"texts": stored})
        return self._job(self._submit_summary("texts", "texts", request, job_id))

    def map(self, model: str, payloads: Iterable[str | Mapping[str, Any]], **options: Any) -> MapJob:
        """Many inputs at once, as one job: texts, or the fields of the task that computes one, in order.

        `options` are the further fields of `MapRequest` (`title`, `craft`, `parallel_inputs`); any other is a field
        of every input that does not name it itself, such as `voice` or `max_length`. Raises `InvalidInput` that
        names the first wrong input by its number before anything is sent.
        """
        named = ("title", "craft", "parallel_inputs")
        own: dict[str, Any] = {name: options.pop(name) for name in named if name in options}
        given = fields_of("payloads", payloads, options)
        request = MapRequest.parse({"model": model, "inputs": given, **own})
        offer = self.connection.offer(request.model)
        entry = catalog().get(request.model) if offer else catalog()[request.model]
        craft = craft_named(request.craft) if request.craft else craft_of(request.model, entry, offer)
        checked_inputs(request.model, craft, given, entry, offer)
        told = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        if len(told.encode(errors="replace")) > INLINE_TEXT_BYTES:
            request = request.model_copy(update={"inputs": None, "inputs_ref": self.store.put_text(told)})
        job_id = str(uuid.uuid4())
        self._send("infer.map", "map", job_id, request.model_copy(update={"craft": craft.name}))
        return MapJob(self.connection, self.store, job_id)

    def job(self, job_id: str) -> Job:
        """A job that was submitted before, by anybody; raises `UnknownJob` for an id that left no trace."""
        with self.connection.speaking():
            if not self.ledger.queries.exists(job_id):
                raise UnknownJob(f"id: no job {job_id!r} is recorded here; `slotline jobs` lists those that are")
        return self._job(job_id)

    def cancel(self, job_id: str) -> bool:
        """Cancel a job that anybody submitted, as `Job.cancel`; raises `UnknownJob` for an id that left no trace."""
        with self.connection.speaking():
            part = part_named(self.ledger, job_id)
        return (self._job(job_id) if part else self.job(job_id)).cancel()

    def jobs(self, limit: int = 100) -> list[Record]:
        """The latest jobs, newest first."""
        with self.connection.speaking():
            return self.ledger.queries.jobs(limit)

    def offer(self, model: str) -> Published | None:
        """What the model's last ready worker published that it offers (voices, sample rate), or None."""
        return self.connection.offer(model)

    def has_worker(self, model: str) -> bool:
        """Whether a slot worker of this model is ready now."""
        with self.connection.speaking():
            return self.ledger.queries.has_worker(model)

    def _job(self, job_id: str) -> Job[Any]:
        return Job(self.connection, self.store, job_id)

    def _submit(self, kind: str, request: Any, job_id: str | None = None) -> str:
        job_id = job_id or str(uuid.uuid4())
        with self.connection.speaking():
            self._check(request)
        self._send(f"speech.{kind}", kind, job_id, request)
        return job_id

    def _submit_summary(self, task: str, kind: str, request: Any, job_id: str | None) -> str:
        job_id = job_id or str(uuid.uuid4())
        with self.connection.speaking():
            self._check(request)
        self._send(f"summary.{task}", kind, job_id, request)
        return job_id

    def _send(self, task: str, kind: str, job_id: str, request: Any) -> None:
        message = envelope.new_message(task, job_id, request.fields(), FLOW_QUEUE)
        voice = getattr(request, "voice", None) or ""
        with self.connection.speaking():
            self.ledger.transitions.submit(
                job_id, kind, request.title, request.model, voice, list_key(FLOW_QUEUE, 0), message
            )

    def _check(self, request: ModelRequest) -> None:
        """Refuse a model that neither this machine's catalog nor any worker knows, and what it does not serve."""
        offer = self.connection.offers.published(request.model)
        request.check(None if offer else catalog()[request.model], offer)
