"""The speech tasks: `speech.paragraph`, `speech.chapter`, `speech.book`.

A slot computes a paragraph; the body of its task (`tasks/flow/part_task.py`) only settles
its part. A chapter is split into paragraphs, whose audio is joined to one file. A book is
split into chapters. `tasks/flow/job.py` runs both. Loads no model code.

Payloads: `P` and the text for a paragraph, `-` and the text for a further piece of the same
paragraph; `C`, the title, and a line of JSON for a chapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from celery import Task

from tasks.app import app
from tasks.catalog import catalog
from tasks.errors import ArtifactMissing, NothingToSpeak, SlotlineError, StoreError
from tasks.flow.connections import ledger
from tasks.flow.job import run
from tasks.flow.kind import Gathered, Incomplete, Kind, Made, Plan
from tasks.flow.ledger.record import Measure
from tasks.flow.part_task import conclude
from tasks.flow.parts import PartRecord, Parts
from tasks.flow.payloads import fields_of_payload, payload_of_fields, words_of
from tasks.media.assemble_parts import PartAudio, PartsMissing, assemble_to_store
from tasks.media.pieces import PIECES, Pieces, for_result
from tasks.messages import (
    Audio,
    BookChapter,
    BookRequest,
    BookResult,
    ChapterRequest,
    ChapterResult,
    ParagraphRequest,
    ParagraphResult,
    Skipped,
)
from tasks.messages.base import NOT_SHARED
from tasks.messages.speech import SPEECH
from tasks.messages.variants import word_of
from tasks.offers import Offers
from tasks.routing import FLOW_QUEUE, OF_JOB, OF_NESTED_JOB, queue_of
from tasks.settings import settings
from tasks.store.artifacts import Artifact, Store, store
from tasks.text.split import Piece, split

NOTHING = "nothing to speak"

_OPENS, _CONTINUES, _CHAPTER = "P", "-", "C"


@app.task(name=ParagraphRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def paragraph(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Speak one text at once: the fields are those of `ParagraphRequest`, or `job` and `part` for a part of a job."""
    return conclude(self, fields, PARTS)


@app.task(name=ChapterRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def chapter(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Speak a text of any length; the fields are those of `ChapterRequest`, the result a `ChapterResult`."""
    return run(self, ChapterKind(), ledger(app), fields)


@app.task(name=BookRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def book(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Speak a book's chapters in order; the fields are those of `BookRequest`, the result a `BookResult`."""
    return run(self, BookKind(), ledger(app), fields)


AUDIO = Measure("audio_s", 0.0, "seconds of audio")
"""The measure of all speech jobs."""


class SpeechParts(Parts):
    """Paragraphs: the ledger has their audio's details, so that a chapter needs no look at the store for each."""

    craft = SPEECH
    measure = AUDIO

    def record(self, artifact: Artifact) -> PartRecord:
        """The audio's details, and its length as the measure."""
        audio = audio_of(artifact)
        return PartRecord({"audio": audio.fields()}, length_of(audio.duration_s))

    def result(self, artifact: Artifact, computed: bool, fields: Mapping[str, Any]) -> ParagraphResult:
        """The audio, and when the text is spoken in it."""
        return _spoken(audio_of(artifact), computed, for_result(artifact.details, fields["text"].strip()))

    def results(self, outcomes: Mapping[int, Mapping[str, Any]]) -> dict[int, ParagraphResult]:
        """The audio of each paragraph."""
        return {part: _spoken(Audio.parse(one["audio"]), one["computed"]) for part, one in outcomes.items()}


PARTS = SpeechParts()


def length_of(duration_s: float) -> Measure:
    """The measure of this length of audio."""
    return replace(AUDIO, amount=duration_s)


def audio_of(artifact: Artifact) -> Audio:
    """An audio artifact as it is in results."""
    details = artifact.details
    return Audio(
        artifact=artifact.name,
        sample_rate=int(details["sample_rate"]),
        frames=int(details["frames"]),
        bytes=artifact.bytes,
    )


def _spoken(audio: Audio, computed: bool, pieces: Pieces | None = None) -> ParagraphResult:
    return ParagraphResult(audio=audio, duration_s=round(audio.duration_s, 3), computed=computed, pieces=pieces)


class ChapterKind(Kind[ChapterRequest]):
    """A chapter: its parts are pieces of text, each spoken alone; their audio is joined with pauses."""

    request = ChapterRequest
    unit = "paragraph"

    def request_of(self, payload: str) -> ChapterRequest:
        """The request of a chapter of a book."""
        return ChapterRequest.trusted(fields_of_payload(payload))

    def plan(self, request: ChapterRequest, offers: Offers, is_part: bool) -> Plan:
        """Split the text. A text with nothing to speak is refused; only a chapter of a book may be empty."""
        entry = catalog()[request.model]
        request = request.in_voice_of(entry)
        request.check(entry, offers.published(request.model))
        pieces = split(request.whole_text(store().read_text), request.max_chars)
        skipped = {number: NOTHING for number, piece in enumerate(pieces, 1) if not piece.speakable}
        if len(skipped) == len(pieces) and not is_part:
            raise NothingToSpeak(f"text: {NOTHING} (no letter and no digit in it)")
        return Plan(
            title=request.title or (words_of(_payload(pieces[0])) if pieces else ""),
            model=request.model,
            voice=request.voice,
            params={
                **ParagraphRequest.shared(request),
                "pause_s": request.pause_s,
                "sentence_pause_s": request.sentence_pause_s,
            },
            payloads=[_payload(piece) for piece in pieces],
            skipped=skipped,
            width=request.parallel_paragraphs or settings().parallel_paragraphs,
            variant=word_of(request.voice) if entry.is_registry and request.voice else "",
            part_task=ParagraphRequest.task,
            part_queue=queue_of(request.model),
            part_priority=OF_NESTED_JOB if is_part else OF_JOB,
            measure=AUDIO,
        )

    def gather(self, gathered: Gathered) -> Made:
        """Join the audio of all parts that have some; only the pause remains of a skipped or failed part."""
        spoken = {part: Audio.parse(one["audio"]) for part, one in gathered.good.items() if "audio" in one}
        audio = _join(store(), _places(gathered, spoken)) if spoken else None
        result = ChapterResult(
            title=gathered.record.title,
            audio=audio,
            duration_s=round(audio.duration_s, 3) if audio else 0.0,
            paragraphs=sum(payload.startswith(_OPENS) for payload in gathered.payloads),
            parts=gathered.record.total,
            computed=gathered.computed,
            skipped=[
                Skipped(part=part, reason=one["skipped"], words=words_of(gathered.payloads[part - 1]))
                for part, one in gathered.good.items()
                if "skipped" in one
            ],
        )
        kept = f"The audio of the others is kept: {audio.artifact}" if audio else ""
        return Made(result.fields(), gathered.computed, kept)

    def answer(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """With its pieces, unless they are too long or cannot be read now; the audio's details have them always."""
        audio = result.get("audio")
        try:
            found = store().find(audio["artifact"]) if audio else None
        except (StoreError, MemoryError):
            found = None
        pieces = for_result(found.details) if found and PIECES in found.details else None
        return {**result, PIECES: pieces} if pieces else result

    def measure(self, result: Mapping[str, Any]) -> Measure:
        """The length of the joined file."""
        return length_of(float(result["duration_s"]))


def _payload(piece: Piece) -> str:
    return (_OPENS if piece.opens_paragraph else _CONTINUES) + piece.text


def _places(gathered: Gathered, spoken: Mapping[int, Audio]) -> dict[int, PartAudio]:
    """What to join: the audio of each part that has some, with the silence before it."""
    joined, opens = {}, False
    for part, payload in enumerate(gathered.payloads, 1):
        opens = opens or payload.startswith(_OPENS)
        if part in spoken:
            pause_s = gathered.params["pause_s" if opens else "sentence_pause_s"]
            joined[part] = PartAudio(spoken[part].artifact, pause_s, payload[1:])
            opens = False
    return joined


def _join(store: Store, parts: Mapping[int, PartAudio]) -> Audio:
    """Join all parts; raises `Incomplete` with those whose artifacts are missing or damaged."""
    try:
        made = assemble_to_store(store, list(parts.values()))
    except PartsMissing as exc:
        broken = [list(parts)[number - 1] for number in exc.numbers]
        for name in (parts[part].name for part in broken):
            if store.find(name) is not None:  # it is damaged, and could not be removed when it was read
                store.delete(name)
        raise Incomplete(broken) from None
    except ArtifactMissing as exc:  # it is there, and is no audio, or was written again meanwhile
        raise StoreError(f"the audio could not be joined: {exc}") from exc
    return audio_of(made)


class BookKind(Kind[BookRequest]):
    """A book: its parts are chapters; at most `parallel_chapters` of them are open at once, in order."""

    request = BookRequest
    unit = "chapter"

    def plan(self, request: BookRequest, offers: Offers, is_part: bool) -> Plan:
        """One part per chapter. A long text is written to the store, so that it is in Redis only once."""
        entry = catalog()[request.model]
        voiced = request.in_voice_of(entry)
        voiced.check(entry, offers.published(request.model))
        return Plan(
            title=request.title,
            model=request.model,
            voice=voiced.voice,
            params={},
            payloads=[_chapter_payload(request, one) for one in request.chapters],
            width=request.parallel_chapters or settings().parallel_chapters,
            part_task=ChapterRequest.task,
            part_queue=FLOW_QUEUE,
            part_priority=0,
            part_results=True,
            measure=AUDIO,
            sizes=request.input_sizes() or None,
        )

    def gather(self, gathered: Gathered) -> Made:
        """List the finished chapters, in order."""
        made = [
            ChapterResult.parse(outcome if "error" not in outcome else outcome["result"])
            for _, outcome in sorted(gathered.outcomes.items())
            if "error" not in outcome or outcome.get("result")
        ]
        duration_s = round(sum(one.duration_s for one in made), 3)
        result = BookResult(title=gathered.record.title, chapters=made, duration_s=duration_s)
        return Made(result.fields(), sum(one.computed for one in made))


def _chapter_payload(request: BookRequest, one: BookChapter) -> str:
    own_only = {"title", "chapters", "parallel_chapters", *NOT_SHARED}
    shared = request.model_dump(mode="json", exclude_none=True, exclude=own_only)
    own = one.text_by_reference(store().put_text)
    return payload_of_fields(_CHAPTER, one.title, {**shared, **own.fields()})
