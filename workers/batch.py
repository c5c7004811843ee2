"""One batch through the model, inside a slot's child: what waits runs together, each input for itself.

Five steps: take (the ledger counts the attempt and hands out the text), look (the
artifact may be there), claim (another slot may have it in hand), compute (the adapter, on
all that is left at once), store. Each request's outcome is left in `tasks/flow/outcomes`
for its task's body. Nothing here raises for a single input; nothing here settles: the
task's body does, when Celery traces it. A request that is cancelled on the way is dropped
at the adapter's next safe point.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks import artifacts, audio
from tasks.errors import (
    BrokerUnavailable,
    InvalidInput,
    ModelError,
    NothingToSpeak,
    SlotlineError,
    StoreError,
    WorkerLost,
)
from tasks.flow import envelope, outcomes
from tasks.flow.jobs import as_slotline_error, part_of
from tasks.flow.ledger import ATTEMPTS_ALLOWED, FOLLOWS, SPENT, TOO_SOON, Ledger
from tasks.flow.outcomes import Done, Dropped, Failed, Waiting
from tasks.messages import Audio, ParagraphRequest, is_speakable
from tasks.routing import list_key
from tasks.speech import audio_of
from workers.adapters.base import Cancelled, Sound, SpeechInput

if TYPE_CHECKING:
    from workers.models.lifecycle import LoadedModel

logger = logging.getLogger(__name__)

PARAGRAPH = "speech.paragraph"


@dataclass(frozen=True)
class Call:
    """One request as the pool hands it to the child: Celery's own arguments for its tracer."""

    task: str
    task_id: str
    headers: Mapping[str, Any]
    body: Any
    content_type: str
    content_encoding: str

    @property
    def delivery_tag(self) -> str:
        """What the transport knows this message by while it is held."""
        return str((self.headers.get("properties") or {}).get("delivery_tag") or self.task_id)

    def kwargs(self) -> dict[str, Any]:
        """The task's keyword arguments; raises `InvalidInput` when the body is none of Celery's."""
        body = self.body
        try:
            if isinstance(body, (str, bytes, memoryview)):
                raw = body if isinstance(body, str) else bytes(body).decode("utf-8")
                body = json.loads(raw if raw[:1] in "[{" else base64.b64decode(raw))
            args, kwargs, *_ = body
            if args:
                raise InvalidInput("args: give keyword arguments only")
            return dict(kwargs)
        except (ValueError, TypeError) as exc:
            raise InvalidInput(f"body: not a Celery message ({exc})") from exc


@dataclass(frozen=True)
class Work:
    """One text that this batch is to compute, and where the sound will lie."""

    call: Call
    item: SpeechInput
    artifact: str
    attempt: int


@dataclass(frozen=True)
class Ran:
    """What a batch says of the model: the tasks that it failed on by a fault of its own, and whether it made any."""

    failed: tuple[str, ...] = ()
    worked: bool = False


def run(
    model: LoadedModel,
    ledger: Ledger,
    calls: Sequence[Call],
    is_cancelled: Callable[[str], bool] = lambda tag: False,
) -> Ran:
    """Compute all paragraphs of the batch and leave one outcome a request; other tasks are left alone.

    `is_cancelled` is asked, with a request's delivery tag, whether its job was cancelled meanwhile.
    """
    outcomes.clear()
    work = [one for call in calls if call.task == PARAGRAPH and (one := _prepare(model, ledger, call))]
    if not work:
        return Ran()
    made: dict[str, outcomes.Outcome] = {}
    model.adapter.is_cancelled = lambda index: is_cancelled(work[index].call.delivery_tag)
    try:
        for one, result in zip(work, _compute(model, [one.item for one in work]), strict=True):
            made[one.call.task_id] = outcome = _store(one, result)
            outcomes.put(one.call.task_id, outcome)
    finally:
        for one in work:
            ledger.release(one.artifact, one.call.delivery_tag)
    failed = tuple(task_id for task_id, outcome in made.items() if _is_the_models_fault(outcome))
    return Ran(failed, worked=any(isinstance(outcome, Done) for outcome in made.values()))


def warm_up() -> None:
    """Import and open all that the first batch would, so that it is as fast as the second. Touches no job."""
    import numpy as np

    audio.encode_wav(np.zeros(1, np.float32), 8000)
    try:
        artifacts.store().find(artifacts.name_of("speech", "wav", {}))
    except StoreError as exc:
        logger.warning("the store does not answer yet: %s", exc)


def _is_the_models_fault(outcome: outcomes.Outcome) -> bool:
    """Neither the input's nor the store's nor the broker's: another input would fare no better."""
    return isinstance(outcome, Failed) and not isinstance(outcome.error, (InvalidInput, StoreError, BrokerUnavailable))


def _prepare(model: LoadedModel, ledger: Ledger, call: Call) -> Work | None:
    """Steps one to three; None when the outcome is known without computing."""
    try:
        fields = call.kwargs()
        request = None if _is_cancelled_alone(ledger, call, fields) else _take(model, ledger, fields)
        if request is None:
            outcomes.put(call.task_id, Dropped())
            return None
        item = _item(model, request)
        model.adapter.check(item)
        name = artifact_name(model, item)
        if (found := artifacts.store().find(name)) is not None:
            # Whoever made it may have died with it in hand, and others wait for it.
            ledger.release(name, "")
            outcomes.put(call.task_id, Done(audio_of(found), computed=False))
            return None
        return _claim(ledger, call, fields, item, name)
    except (SlotlineError, MemoryError) as exc:
        outcomes.put(call.task_id, Failed(as_slotline_error(exc), 0))
        return None


def _is_cancelled_alone(ledger: Ledger, call: Call, fields: Mapping[str, Any]) -> bool:
    """Whether a task that is part of no job was cancelled; that of a job's part is known when it is taken."""
    return "job" not in fields and call.task_id in ledger.cancelled([call.task_id])


def _take(model: LoadedModel, ledger: Ledger, fields: Mapping[str, Any]) -> ParagraphRequest | None:
    if part := part_of(fields):
        taken = ledger.take(*part)
        if taken is None:
            return None
        shared = {name: taken.params.get(name) for name in ("model", "voice", "speed")}
        return ParagraphRequest.parse({**shared, "text": taken.payload[1:]})
    request = ParagraphRequest.parse(dict(fields))
    if request.model != model.entry.name:
        raise InvalidInput(f"model: {request.model!r} was sent to the queue of {model.entry.name!r}")
    return request


def _claim(ledger: Ledger, call: Call, fields: Mapping[str, Any], item: SpeechInput, name: str) -> Work | None:
    came_by = call.headers.get("delivery_info") or {}
    queue = str(came_by.get("routing_key") or "")
    # To the list that it came from: there the sweep looks for it.
    copy = (list_key(queue, int(came_by.get("priority") or 0)), envelope.copy_of(call.headers, call.body, queue))
    attempt = ledger.claim(name, call.delivery_tag, copy, part_of(fields) or (call.task_id, 0))
    if attempt == SPENT:
        ledger.release(name, call.delivery_tag)
        why = ledger.loss(part_of(fields) or (call.task_id, 0))
        last = f"; the last time: {why}" if why else ""
        raise WorkerLost(f"its worker died each of {ATTEMPTS_ALLOWED} times that it was tried{last}")
    if attempt in (FOLLOWS, TOO_SOON):
        outcomes.put(call.task_id, Waiting())
        return None
    return Work(call, item, name, attempt)


def _item(model: LoadedModel, request: ParagraphRequest) -> SpeechInput:
    if not model.offer.sample_rate:
        raise InvalidInput(f"model: {model.entry.name!r} does not speak (its adapter is {model.entry.adapter})")
    text = request.text.strip()
    if not is_speakable(text):
        raise NothingToSpeak("text: nothing to speak (no letter and no digit in it)")
    voice = request.voice or model.entry.voice or model.offer.default_voice
    return SpeechInput(text, voice, request.speed)


def artifact_name(model: LoadedModel, item: SpeechInput) -> str:
    """Named by all that shapes the sound: the same input is computed once, whoever asks and whenever."""
    ingredients = {
        "adapter": model.entry.adapter,
        "version": model.adapter.version,
        "model": model.entry.name,
        "revision": model.offer.revision,
        "voice": item.voice,
        "speed": item.speed,
        "text": item.text,
        **model.adapter.ingredients(item),
    }
    return artifacts.name_of("speech", "wav", ingredients)


def _compute(model: LoadedModel, items: Sequence[SpeechInput]) -> Iterator[Sound | Exception]:
    """One result an input; what the adapter raises as a whole is every input's."""
    try:
        results: Sequence[Sound | Exception] = list(model.adapter.run(items))
    except Exception as exc:  # the boundary to foreign model code
        logger.exception("the model failed on a batch of %d", len(items))
        results = [exc] * len(items)
    if len(results) != len(items):
        wrong = ModelError(f"{model.entry.adapter} gave {len(results)} results for {len(items)} inputs")
        results = [wrong] * len(items)
    return (_unless_wanted(model, index, result) for index, result in enumerate(results))


def _unless_wanted(model: LoadedModel, index: int, result: Sound | Exception) -> Sound | Exception:
    """An adapter that gives up on an input that is still wanted has failed on it."""
    if isinstance(result, Cancelled) and not model.adapter.is_cancelled(index):
        return ModelError(f"{model.entry.adapter} stopped at an input that nobody cancelled")
    return result


def _store(work: Work, result: Sound | Exception) -> outcomes.Outcome:
    if isinstance(result, Cancelled):
        return Dropped()
    try:
        if isinstance(result, Exception):
            raise result
        data = audio.encode_wav(result.samples, result.sample_rate)
        details = {"sample_rate": result.sample_rate, "frames": len(result.samples)}
        made: Audio = audio_of(artifacts.store().put_bytes(work.artifact, data, details))
        return Done(made, computed=True, attempt=work.attempt)
    except Exception as exc:  # one input's failure, in its own words
        if not isinstance(exc, SlotlineError):
            logger.exception("the model failed on «%.40s»", work.item.text)
        return Failed(as_slotline_error(exc), work.attempt)
