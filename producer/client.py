"""The Python API of whoever asks for work: submit a text, wait, take the result and the audio.

A job is one message and one record, sent in one step; nothing is computed here, and
nothing of the workers is needed: Redis and the store are all that both sides share.
Importing this loads no model code, no Celery and no audio library.
"""

from __future__ import annotations

import functools
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, cast

from typing_extensions import TypeVar

from producer import results
from tasks import broker, keys
from tasks.catalog import catalog
from tasks.errors import BrokerUnavailable, InvalidInput, SlotlineError, UnknownJob
from tasks.flow import envelope
from tasks.flow.cancel import broadcast, cancel, part_named
from tasks.flow.ledger import Ledger
from tasks.flow.record import Record
from tasks.kinds.inputs import check_inputs, check_writes, craft_of, fields_of
from tasks.messages import (
    INLINE_TEXT_BYTES,
    BookRequest,
    BookResult,
    ChapterRequest,
    ChapterResult,
    MapRequest,
    ParagraphRequest,
    ParagraphResult,
    Speaking,
    SummariesResult,
    SummaryTextRequest,
    SummaryTextsRequest,
    TextSummaryResult,
)
from tasks.offers import Published, check_voice, published
from tasks.routing import FLOW_QUEUE, PRIORITIES, list_key, queue_of
from tasks.settings import settings
from tasks.store.artifacts import Store

if TYPE_CHECKING:
    from producer.map_job import MapJob

ResultT = TypeVar("ResultT", default=results.Result, covariant=True)

POLL_S = 0.1
POLL_MAX_S = 0.5
PATIENCE_S = 120.0
"""How long a wait goes on while Redis does not answer: a restart takes seconds."""


@dataclass(frozen=True)
class Progress:
    """How far a job is. `state` is Celery's once the job has ended, else PENDING or PROGRESS; `audio_s` in seconds."""

    state: str
    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    computed: int = 0
    audio_s: float = 0.0

    @property
    def settled(self) -> int:
        """Parts that have come to an end, whichever."""
        return self.done + self.failed + self.skipped


class Client:
    """Submits jobs to the broker at `broker_url`, long texts through the store at `store_url`.

    Both default to the settings. Every method may raise `BrokerUnavailable`.
    """

    def __init__(self, broker_url: str | None = None, store_url: str | None = None) -> None:
        self.broker_url = broker_url or settings().broker_url
        self.store = Store(store_url or settings().store)

    @functools.cached_property
    def ledger(self) -> Ledger:
        """The ledger in the broker's database."""
        return Ledger(broker.client(self.broker_url))

    def check(self) -> None:
        """Raise `BrokerUnavailable` when no Redis answers."""
        with broker.speaking(self.broker_url):
            self.ledger.client.ping()

    def submit_paragraph(
        self, text: str, *, model: str, voice: str | None = None, speed: float = 1.0
    ) -> Job[ParagraphResult]:
        """One text that one slot speaks at once; raises `InvalidInput` before anything is sent."""
        request = ParagraphRequest.parse({"text": text, "model": model, "voice": voice, "speed": speed})
        job_id = str(uuid.uuid4())
        queue, priority = queue_of(request.model), PRIORITIES["say"]
        message = envelope.new_message("speech.paragraph", job_id, request.fields(), queue, priority)
        with broker.speaking(self.broker_url):
            self._check_speaking(request)
            # A single message is its own record: there are no parts to keep account of.
            self.ledger.client.lpush(list_key(queue, priority), message)
        return Job(self, job_id)

    def submit_chapter(self, text: str, *, model: str, **options: Any) -> Job[ChapterResult]:
        """A text of any length, to become one file; `options` are the further fields of `ChapterRequest`."""
        request = ChapterRequest.parse({"text": text, "model": model, **options})
        if len(text.encode(errors="replace")) > INLINE_TEXT_BYTES:
            with broker.speaking(self.broker_url):
                self._check_speaking(request)
            request = request.model_copy(update={"text": None, "text_ref": self.store.put_text(str(request.text))})
        return Job(self, self._submit("chapter", request))

    def submit_book(
        self, chapters: Iterable[Mapping[str, Any]], *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[BookResult]:
        """Chapters (`title`, and `text` or `text_ref`) in order, each to become one file.

        `options` are the further fields of `BookRequest`. With a `job_id` that is recorded
        already nothing is sent.
        """
        request = BookRequest.parse({"chapters": [dict(one) for one in chapters], "model": model, **options})
        if sum(len(one.text.encode()) for one in request.chapters if one.text) > INLINE_TEXT_BYTES:
            with broker.speaking(self.broker_url):
                self._check_speaking(request)
            stored = [
                one.model_copy(update={"text": None, "text_ref": self.store.put_text(one.text)}) if one.text else one
                for one in request.chapters
            ]
            request = request.model_copy(update={"chapters": stored})
        return Job(self, self._submit("book", request, job_id))

    def submit_summary(
        self, text: str, *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[TextSummaryResult]:
        """A text of any length, to become one summary; `options` are the further fields of `SummaryTextRequest`.

        With a `job_id` that is recorded already nothing is sent.
        """
        request = SummaryTextRequest.parse({"text": text, "model": model, **options})
        if len(text.encode(errors="replace")) > INLINE_TEXT_BYTES:
            with broker.speaking(self.broker_url):
                self._check_writing(request.model)
            request = request.model_copy(update={"text": None, "text_ref": self.store.put_text(str(request.text))})
        return Job(self, self._submit_summary("text", "summary", request, job_id))

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
            with broker.speaking(self.broker_url):
                self._check_writing(request.model)
            stored = [
                one.model_copy(update={"text": None, "text_ref": self.store.put_text(one.text)}) if one.text else one
                for one in request.texts
            ]
            request = request.model_copy(update={"texts": stored})
        return Job(self, self._submit_summary("texts", "texts", request, job_id))

    def map(self, model: str, payloads: Iterable[str | Mapping[str, Any]], **options: Any) -> MapJob:
        """Many inputs at once, as one job: texts, or the fields of the task that computes one, in order.

        `options` are the further fields of `MapRequest` (`title`, `craft`, `parallel_inputs`); any other is a field
        of every input that does not name it itself, such as `voice` or `max_length`. Raises `InvalidInput` that
        names the first wrong input by its number before anything is sent.
        """
        from producer.map_job import MapJob

        named = ("title", "craft", "parallel_inputs")
        own: dict[str, Any] = {name: options.pop(name) for name in named if name in options}
        given = fields_of("payloads", payloads, options)
        request = MapRequest.parse({"model": model, "inputs": given, **own})
        with broker.speaking(self.broker_url):
            offer = published(self.ledger.client, request.model)
        entry = catalog().get(request.model) if offer else catalog()[request.model]
        craft = request.craft or craft_of(request.model, entry, offer)
        check_inputs(request.model, craft, given, entry, offer)
        told = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        if len(told.encode(errors="replace")) > INLINE_TEXT_BYTES:
            request = request.model_copy(update={"inputs": None, "inputs_ref": self.store.put_text(told)})
        job_id = str(uuid.uuid4())
        self._send("infer.map", "map", job_id, request.model_copy(update={"craft": craft}))
        return MapJob(self, job_id)

    def job(self, job_id: str) -> Job:
        """A job that was submitted before, by anybody; raises `UnknownJob` for an id that left no trace."""
        with broker.speaking(self.broker_url):
            if not self.ledger.client.exists(keys.job(job_id), keys.RESULT_PREFIX + job_id):
                raise UnknownJob(f"id: no job {job_id!r} is recorded here; `slotline jobs` lists those that are")
        return Job(self, job_id)

    def cancel(self, job_id: str) -> bool:
        """Cancel a job that anybody submitted, as `Job.cancel`; raises `UnknownJob` for an id that left no trace."""
        with broker.speaking(self.broker_url):
            part = part_named(self.ledger, job_id)
        return (Job(self, job_id) if part else self.job(job_id)).cancel()

    def jobs(self, limit: int = 100) -> list[Record]:
        """The latest jobs, newest first."""
        with broker.speaking(self.broker_url):
            return self.ledger.jobs(limit)

    def offer(self, model: str) -> Published | None:
        """What the model's last ready worker said that it offers (voices, sample rate), or None."""
        with broker.speaking(self.broker_url):
            return published(self.ledger.client, model)

    def has_worker(self, model: str) -> bool:
        """Whether a slot worker of this model is ready now."""
        with broker.speaking(self.broker_url):
            seconds, micro = self.ledger.client.time()
            live: Any = self.ledger.client.zcount(keys.capacity(model), seconds * 1000 + micro // 1000, "+inf")
        return int(live) > 0

    def _submit(self, kind: str, request: Any, job_id: str | None = None) -> str:
        job_id = job_id or str(uuid.uuid4())
        with broker.speaking(self.broker_url):
            self._check_speaking(request)
        self._send(f"speech.{kind}", kind, job_id, request)
        return job_id

    def _submit_summary(self, task: str, kind: str, request: Any, job_id: str | None) -> str:
        job_id = job_id or str(uuid.uuid4())
        with broker.speaking(self.broker_url):
            self._check_writing(request.model)
        self._send(f"summary.{task}", kind, job_id, request)
        return job_id

    def _send(self, task: str, kind: str, job_id: str, request: Any) -> None:
        message = envelope.new_message(task, job_id, request.fields(), FLOW_QUEUE)
        voice = getattr(request, "voice", None) or ""
        with broker.speaking(self.broker_url):
            self.ledger.submit(job_id, kind, request.title, request.model, voice, list_key(FLOW_QUEUE, 0), message)

    def _check_writing(self, model: str) -> None:
        """Refuse a model that neither this machine's catalog nor any worker knows, and one that speaks."""
        offer = published(self.ledger.client, model)
        check_writes(model, None if offer else catalog()[model], offer)

    def _check_speaking(self, request: Speaking) -> None:
        """Refuse a model that neither this machine's catalog nor any worker knows, and a voice that it lacks."""
        offer = published(self.ledger.client, request.model)
        check_voice(None if offer else catalog()[request.model], offer, request.voice)


class Job(Generic[ResultT]):
    """A submitted job: an id, and the questions one may ask about it. Holds no state of its own."""

    def __init__(self, client: Client, job_id: str) -> None:
        self.client = client
        self.id = job_id

    def __repr__(self) -> str:
        return f"<Job {self.id}>"

    def progress(self) -> Progress:
        """How far it is now."""
        with broker.speaking(self.client.broker_url):
            return self._look()[0]

    def status(self) -> str:
        """Celery's word for it: PENDING, PROGRESS, SUCCESS, FAILURE or REVOKED."""
        return self.progress().state

    def wait(
        self,
        timeout_s: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> ResultT:
        """The result, once there is one; raises the job's own error (`PartsFailed`, `UnknownVoice`, …).

        `on_progress` is called whenever the progress has changed. Raises `TimeoutError`
        after `timeout_s`, `BrokerUnavailable` when Redis is away for longer than
        `patience_s`, `UnknownJob` when the job's record is removed meanwhile.
        """
        began = answered = time.monotonic()
        seen: Progress | None = None
        pause_s = POLL_S
        while True:
            try:
                progress, stored = self._ask(seen)
            except BrokerUnavailable:
                if time.monotonic() - answered > patience_s:
                    raise
            else:
                answered = time.monotonic()
                if progress != seen:
                    seen, pause_s = progress, POLL_S
                    if on_progress:
                        on_progress(progress)
                if stored is not None:
                    return self._made(stored)
            if timeout_s is not None and time.monotonic() - began >= timeout_s:
                raise TimeoutError(f"job {self.id} has not ended within {timeout_s:g} s")
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.2, POLL_MAX_S)

    def cancel(self) -> bool:
        """End it, and a book's chapters with it, as REVOKED; False when it had ended already.

        What has not begun is dropped; what runs is stopped at its next safe point, or by force after
        `SLOTLINE_CANCEL_GRACE_S`. A chapter of a book that goes on fails in it as cancelled.
        """
        with broker.speaking(self.client.broker_url):
            # An id that is not recorded is a single text: the message itself is all that there is of it.
            return cancel(self.client.ledger, self.id, self._tell_workers, even_unknown=True)

    def result(self) -> ResultT:
        """The result of a job that has ended; raises its own error, or `InvalidInput` while it is open."""
        with broker.speaking(self.client.broker_url):
            stored = self._ended()
        return self._made(stored)

    def save(self, path: str | Path, format: str | None = None) -> list[Path]:
        """Write what a job that ended well has made; the files written. `format` None goes by the path's ending.

        A paragraph, chapter or summary becomes the file `path`; a book, or many inputs, the folder `path`, one file
        for each. Raises `InvalidInput` for an unknown format or a job without audio.
        """
        from producer.files import save

        with broker.speaking(self.client.broker_url):
            stored = self._ended()
        return save(self.client.store, results.of(self.id, stored), Path(path), format)

    def _made(self, stored: dict[str, Any]) -> ResultT:
        """The result in Celery's final entry; raises the error that it holds."""
        return cast(ResultT, results.of(self.id, stored))

    def _ended(self) -> dict[str, Any]:
        progress, stored = self._look()
        if stored is None:
            raise InvalidInput(f"id: job {self.id} has not ended yet ({progress.state})")
        return stored

    def _tell_workers(self, ids: Sequence[str]) -> None:
        from celery import Celery

        with Celery("slotline-producer", broker=self.client.broker_url, set_as_current=False) as app:
            broadcast(app)(ids)

    def _ask(self, seen: Progress | None) -> tuple[Progress, dict[str, Any] | None]:
        with broker.speaking(self.client.broker_url):
            progress, stored = self._look()
        if progress.state == "PENDING" and seen is not None and seen.state != "PENDING":
            raise UnknownJob(f"id: job {self.id} is no longer recorded: its Redis was emptied or replaced")
        return progress, stored

    def _look(self) -> tuple[Progress, dict[str, Any] | None]:
        """The progress, and Celery's stored result once that is final. The result decides: it is written last."""
        stored = results.stored(self.client.ledger.client, self.id)
        record = self.client.ledger.record(self.id)
        state = stored["status"] if stored else "PENDING" if record is None or record.state == "sent" else "PROGRESS"
        final = stored if stored and state in results.FINAL else None
        if record is None:
            return Progress(state), final
        counts = (record.total, record.done, record.failed, record.skipped, record.computed)
        return Progress(state, *counts, audio_s=record.audio_s), final


__all__ = ["Client", "Job", "Progress", "SlotlineError"]
