"""The speech tasks: `speech.paragraph`, `speech.chapter`, `speech.book`.

A paragraph is computed by a slot: its body (`tasks/flow/part_task.py`) only settles its
part. A chapter is split into paragraphs and joined to one file, a book into chapters;
their life is `tasks/flow/job.py`. Loads no model code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from celery import Task

from tasks.app import app
from tasks.catalog import catalog
from tasks.errors import ArtifactMissing, InvalidInput, NothingToSpeak, SlotlineError
from tasks.flow.connections import ledger, offers
from tasks.flow.job import Gathered, Incomplete, Made, Plan, run, words_of
from tasks.flow.ledger import Ledger
from tasks.flow.part_task import Told, conclude
from tasks.media import assemble
from tasks.messages import (
    INLINE_TEXT_BYTES,
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
from tasks.routing import FLOW_QUEUE, PRIORITIES, queue_of
from tasks.settings import settings
from tasks.store.artifacts import Artifact, store
from tasks.text.split import Piece, split

NOTHING = "nothing to speak"

_OPENS, _CONTINUES, _CHAPTER = "P", "-", "C"
"""Flag characters of payloads: a paragraph's first piece, a further piece of it, a chapter."""


@app.task(name="speech.paragraph", bind=True, throws=(SlotlineError,), acks_late=True)
def paragraph(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Speak one text at once: `text`, `model`, `voice`, `speed`; or the part `part` of the job `job`."""
    return conclude(self, fields, audio_told, paragraph_result)


def audio_told(artifact: Artifact) -> Told:
    """An audio artifact as the ledger keeps it."""
    audio = audio_of(artifact)
    return Told({"audio": audio.fields()}, audio.duration_s)


def paragraph_result(artifact: Artifact, computed: bool) -> Mapping[str, Any]:
    """An audio artifact as a paragraph's result."""
    audio = audio_of(artifact)
    return ParagraphResult(audio=audio, duration_s=round(audio.duration_s, 3), computed=computed).fields()


@app.task(name="speech.chapter", bind=True, throws=(SlotlineError,), acks_late=True)
def chapter(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Speak a text of any length; the fields are those of `ChapterRequest`, the result a `ChapterResult`."""
    return run(self, ChapterKind(), ledger(app), fields)


@app.task(name="speech.book", bind=True, throws=(SlotlineError,), acks_late=True)
def book(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Speak a book's chapters in order; the fields are those of `BookRequest`, the result a `BookResult`."""
    return run(self, BookKind(), ledger(app), fields)


class ChapterKind:
    """A chapter: its parts are pieces of text, spoken one by one and joined with pauses."""

    name = "chapter"
    unit = "paragraph"

    def fields_of(self, payload: str) -> Mapping[str, Any]:
        """The request of a book's chapter, from the line after its title."""
        loaded: dict[str, Any] = json.loads(payload.partition("\n")[2])
        return loaded

    def plan(self, ledger: Ledger, fields: Mapping[str, Any], is_part: bool) -> Plan:
        """Split the text; a text with nothing to speak is refused, but for a book's chapter, which may be empty."""
        request = ChapterRequest.parse(fields)
        entry = catalog()[request.model]
        request = request.in_voice_of(entry)
        request.check(entry, offers(app).published(request.model))
        text = request.whole_text(store().read_text)
        pieces = split(text, request.max_chars)
        skipped = {number: NOTHING for number, piece in enumerate(pieces, 1) if not piece.speakable}
        if len(skipped) == len(pieces) and not is_part:
            raise NothingToSpeak(f"text: {NOTHING} (no letter and no digit in it)")
        return Plan(
            title=request.title or (words_of("P" + pieces[0].text) if pieces else ""),
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
            part_task="speech.paragraph",
            part_queue=queue_of(request.model),
            part_priority=PRIORITIES["book" if is_part else "chapter"],
            part_results=False,  # the ledger has them
        )

    def gather(self, gathered: Gathered) -> Made:
        """Join the parts that were made; what was skipped or failed leaves its pause behind."""
        spoken = {part: Audio.parse(o["audio"]) for part, o in sorted(gathered.outcomes.items()) if "audio" in o}
        audio = _join(_pauses(gathered, spoken)) if spoken else None
        computed = sum(bool(outcome.get("computed")) for outcome in gathered.outcomes.values())
        result = ChapterResult(
            title=gathered.record.title,
            audio=audio,
            duration_s=round(audio.duration_s, 3) if audio else 0.0,
            paragraphs=sum(payload.startswith(_OPENS) for payload in gathered.payloads),
            parts=gathered.record.total,
            computed=computed,
            skipped=[
                Skipped(part=part, reason=outcome["skipped"], words=words_of(gathered.payloads[part - 1]))
                for part, outcome in sorted(gathered.outcomes.items())
                if "skipped" in outcome
            ],
        )
        kept = f"The audio of the others is kept: {audio.artifact}" if audio else ""
        return Made(result.fields(), result.duration_s, computed, kept)


def _payload(piece: Piece) -> str:
    return (_OPENS if piece.opens_paragraph else _CONTINUES) + piece.text


def _pauses(gathered: Gathered, spoken: Mapping[int, Audio]) -> list[tuple[Audio, int, float]]:
    """The audio to join with the part's number and the silence before it, in seconds."""
    joined, opens = [], False
    for part, payload in enumerate(gathered.payloads, 1):
        opens = opens or payload.startswith(_OPENS)
        if part in spoken:
            pause_s = gathered.params["pause_s" if opens else "sentence_pause_s"]
            joined.append((spoken[part], part, pause_s))
            opens = False
    return joined


def _join(pieces: list[tuple[Audio, int, float]]) -> Audio:
    """One file of them all; raises `Incomplete` naming the parts whose artifact is gone or damaged."""
    if gone := [part for audio, part, _ in pieces if store().find(audio.artifact) is None]:
        raise Incomplete(gone)
    try:
        parts = [assemble.PartAudio(audio.artifact, pause_s) for audio, _, pause_s in pieces]
        made = assemble.assemble_to_store(store(), parts)
    except ArtifactMissing:
        broken = [(audio.artifact, part) for audio, part, _ in pieces if not _is_sound(audio.artifact)]
        if not broken:
            raise
        for name, _ in broken:
            store().delete(name)
        raise Incomplete([part for _, part in broken]) from None
    return audio_of(made)


def _is_sound(name: str) -> bool:
    try:
        store().read_bytes(name)
    except ArtifactMissing:
        return False
    return True


def audio_of(artifact: Artifact) -> Audio:
    """An audio artifact as results show it."""
    details = artifact.details
    return Audio(
        artifact=artifact.name,
        sample_rate=int(details["sample_rate"]),
        frames=int(details["frames"]),
        bytes=artifact.bytes,
    )


class BookKind:
    """A book: its parts are chapters, `parallel_chapters` of them open at a time, in order."""

    name = "book"
    unit = "chapter"

    def fields_of(self, payload: str) -> Mapping[str, Any]:
        """Books are not parts of anything."""
        raise InvalidInput("job: a book cannot be part of another job")

    def plan(self, ledger: Ledger, fields: Mapping[str, Any], is_part: bool) -> Plan:
        """One part a chapter; a long chapter's text goes to the store, so that it passes Redis once."""
        request = BookRequest.parse(fields)
        entry = catalog()[request.model]
        voice = request.voice or entry.voice
        request.in_voice_of(entry).check(entry, offers(app).published(request.model))
        return Plan(
            title=request.title,
            model=request.model,
            voice=voice,
            params={},
            payloads=[_chapter_payload(request, one) for one in request.chapters],
            skipped={},
            width=request.parallel_chapters or settings().parallel_chapters,
            part_task="speech.chapter",
            part_queue=FLOW_QUEUE,
            part_priority=0,
            part_results=True,
        )

    def gather(self, gathered: Gathered) -> Made:
        """List the chapters that were made, in order."""
        made = [
            ChapterResult.parse(dict(outcome if "error" not in outcome else outcome["result"]))
            for _, outcome in sorted(gathered.outcomes.items())
            if "error" not in outcome or outcome.get("result")
        ]
        duration_s = round(sum(one.duration_s for one in made), 3)
        result = BookResult(title=gathered.record.title, chapters=made, duration_s=duration_s)
        return Made(result.fields(), duration_s, sum(one.computed for one in made))


def _chapter_payload(request: BookRequest, one: BookChapter) -> str:
    shared = request.model_dump(mode="json", exclude_none=True, exclude={"title", "chapters", "parallel_chapters"})
    text, text_ref = one.text, one.text_ref
    if text is not None and len(text.encode()) > INLINE_TEXT_BYTES:
        text_ref, text = store().put_text(text), None
    own = {"title": one.title, "text": text, "text_ref": text_ref}
    fields = {**shared, **{name: value for name, value in own.items() if value is not None}}
    title = " ".join(one.title.split())
    return f"{_CHAPTER}{title}\n" + json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
