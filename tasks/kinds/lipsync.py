"""The lip-sync tasks: `lipsync.stretch`, `lipsync.video`.

A slot computes a stretch; the body of its task (`tasks/flow/part_task.py`) only settles its part. A film is cut into
stretches of about a second, which any slot computes in any order, and which are joined without encoding them again.
The film of a text is a job of two steps, each of which is a job itself: the text is spoken, then its film is made.
Loads no model code.

Payloads: `F`, when the stretch begins, and a line of JSON for a stretch; `C` or `V`, the title, and a line of JSON,
with the name of its task, for the two steps of a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from celery import Task

from tasks.app import app
from tasks.catalog import catalog
from tasks.compact_json import dumps
from tasks.errors import ArtifactMissing, InvalidInput, SlotlineError
from tasks.flow.connections import ledger
from tasks.flow.job import run
from tasks.flow.kind import Gathered, Incomplete, Kind, Made, More, Plan
from tasks.flow.ledger.record import Measure
from tasks.flow.part_task import conclude
from tasks.flow.parts import PartRecord, Parts
from tasks.flow.payloads import fields_of_payload, payload_of_fields
from tasks.media.assemble_parts import PartsMissing
from tasks.media.film.blocks import Blocks, store_blocks
from tasks.media.film.join_stretches import check_all, join_to_store
from tasks.media.stretches import cut, frames_of
from tasks.messages import ChapterRequest, Film, StretchRequest, StretchResult, VideoRequest, VideoResult
from tasks.messages.base import INLINE_TEXT_BYTES, NOT_SHARED
from tasks.messages.lipsync import FPS, LIPSYNC, result_before
from tasks.messages.variants import word_of
from tasks.offers import Offers
from tasks.routing import FLOW_QUEUE, OF_JOB, OF_NESTED_JOB, queue_of
from tasks.store.artifacts import Artifact, Store, store
from tasks.store.scratch import scratch_folder

KEPT = "The other stretches are kept"

_STRETCH, _CHAPTER, _VIDEO = "F", "C", "V"


@app.task(name=StretchRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def stretch(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Show a stretch at once: the fields are those of `StretchRequest`, or `job` and `part` for a part of a job."""
    return conclude(self, fields, PARTS)


@app.task(name=VideoRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def video(self: Task, *before: Any, **fields: Any) -> Mapping[str, Any]:
    """Make a film of a sound of any length: fields as in `VideoRequest`; the result is a `VideoResult`.

    In a chain, the result of the task before is its sound: `chain(speech.chapter.s(…), lipsync.video.s(…))`.
    """
    fields = result_before(before, fields)
    is_text = fields.get("text") is not None or fields.get("text_ref") is not None
    return run(self, SpokenVideoKind() if is_text else VideoKind(), ledger(app), fields)


FRAMES = Measure("frames", 0.0, "frames of film")
"""The measure of all lip-sync jobs."""


class StretchParts(Parts):
    """Stretches: the ledger has their details, so that a reader finds them without a look at the store."""

    craft = LIPSYNC
    measure = FRAMES

    def fields(self, payload: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """A stretch's own fields are in its payload."""
        return {**params, **fields_of_payload(payload)}

    def record(self, artifact: Artifact) -> PartRecord:
        """The film's details, and its frames as the measure."""
        details = artifact.details
        about = {"start": int(details.get("start", 0)), "format": str(details.get("format", "mp4"))}
        film = film_of(artifact)
        return PartRecord({"film": film.fields(), **about}, length_of(film.frames))

    def result(self, artifact: Artifact, computed: bool, fields: Mapping[str, Any]) -> StretchResult:
        """The stretch as a result."""
        return StretchResult(**self.record(artifact).settled, computed=computed)

    def results(self, outcomes: Mapping[int, Mapping[str, Any]]) -> dict[int, StretchResult]:
        """What the ledger keeps of each stretch is its result."""
        return {part: StretchResult.parse({"kind": "stretch", **one}) for part, one in outcomes.items()}


PARTS = StretchParts()


def length_of(frames: int) -> Measure:
    """The measure of this number of frames."""
    return replace(FRAMES, amount=float(frames))


def film_of(artifact: Artifact) -> Film:
    """A film, or an archive of pictures, as it is in results."""
    size = {name: int(artifact.details[name]) for name in ("width", "height", "frames")}
    return Film(artifact=artifact.name, bytes=artifact.bytes, **size)


class VideoKind(Kind[VideoRequest]):
    """A film of a sound: its parts are stretches, which are joined with the sound."""

    request = VideoRequest
    unit, units = "stretch", "stretches"

    def request_of(self, payload: str) -> VideoRequest:
        """The request of the film of a text that was spoken."""
        return VideoRequest.trusted(fields_of_payload(payload))

    def plan(self, request: VideoRequest, offers: Offers, is_part: bool) -> Plan:
        """Store the sound's blocks, and cut the film into stretches; raises `InvalidInput` for what is no sound."""
        entry = catalog()[request.model]
        request = request.in_face_of(entry)
        request.check(entry, offers.published(request.model))
        sound = str(request.audio)
        blocks = _blocks_of(store(), sound)
        pieces = list(cut(frames_of(blocks.samples), request.stretch_frames))
        return Plan(
            title=request.title,
            model=request.model,
            voice=request.face,
            params={**StretchRequest.shared(request), "samples": blocks.samples, "audio": sound},
            payloads=[_stretch_payload(request, blocks, start, frames) for start, frames in pieces],
            width=request.parallel_stretches,
            variant=word_of(request.face) if entry.is_registry and request.face else "",
            part_task=StretchRequest.task,
            part_queue=queue_of(request.model),
            part_priority=OF_NESTED_JOB if is_part else OF_JOB,
            measure=FRAMES,
            names_artifacts=True,
            sizes=[frames for _, frames in pieces],
        )

    def gather(self, gathered: Gathered) -> Made:
        """Join the stretches with the sound, or name the archives of pictures."""
        sound = str(gathered.params["audio"])
        if lost := _lacking(gathered):
            _blocks_of(store(), sound)  # those that are gone are written again
            raise Incomplete(lost)
        if gathered.record.failed:
            return Made({}, gathered.computed, KEPT if gathered.good else "")
        films = [Film.parse(one["film"]) for one in gathered.good.values()]
        _check_sizes(films)
        result = VideoResult(
            title=gathered.record.title,
            audio=sound,
            frames=sum(film.frames for film in films),
            stretches=len(films),
            computed=gathered.computed,
            pictures=gathered.params.get("pictures"),
        )
        try:
            made = _put_together(store(), result, [film.artifact for film in films])
        except PartsMissing as exc:
            raise Incomplete(exc.numbers) from None
        return Made(result.model_copy(update=made).fields(), gathered.computed)

    def measure(self, result: Mapping[str, Any]) -> Measure:
        """The frames of the film."""
        return length_of(int(result.get("frames", 0)))


def _lacking(gathered: Gathered) -> list[int]:
    """The parts that failed because something that they read was not in the store."""
    errors = {part: one["error"] for part, one in sorted(gathered.outcomes.items()) if "error" in one}
    return [part for part, error in errors.items() if error.get("type") == ArtifactMissing.__name__]


def _blocks_of(store: Store, sound: str) -> Blocks:
    with scratch_folder() as folder:
        try:
            store.fetch(sound, folder / "sound")
        except InvalidInput as exc:  # it is the name of no artifact; the request's field is to be named
            raise InvalidInput(str(exc).replace("artifact:", "audio:", 1)) from exc
        return store_blocks(store, folder / "sound", "audio")


def _stretch_payload(request: VideoRequest, blocks: Blocks, start: int, frames: int) -> str:
    sounds, sounds_from = blocks.around(start, frames)
    own = {
        "sounds": sounds,
        "sounds_from": sounds_from,
        "start": start,
        "frames": frames,
        "first_background": request.first_background + start,
    }
    return payload_of_fields(_STRETCH, f"{start / FPS:.2f} s", own)


def _check_sizes(films: Sequence[Film]) -> None:
    """Raise `SlotlineError` if two stretches have pictures of different sizes."""
    first = films[0]
    for number, film in enumerate(films, 1):
        if (film.width, film.height) != (first.width, first.height):
            raise SlotlineError(
                f"face: stretch {number} has {film.width} × {film.height} pixels, and stretch 1 has "
                f"{first.width} × {first.height}; the face was replaced meanwhile, so submit the film again"
            )


def _put_together(store: Store, result: VideoResult, stretches: Sequence[str]) -> Mapping[str, Any]:
    """The fields of the result that say what was made; raises `PartsMissing`."""
    if result.pictures is None:
        return {"film": film_of(join_to_store(store, stretches, result.audio))}
    check_all(store, stretches)
    listed = dumps(stretches)
    is_long = len(listed.encode()) > INLINE_TEXT_BYTES
    return {"archives_ref": store.put_text(listed)} if is_long else {"archives": list(stretches)}


class SpokenVideoKind(Kind[VideoRequest]):
    """A film of a text: its first part is the job that speaks the text, its second the job that makes the film."""

    request = VideoRequest
    unit = "step"

    def plan(self, request: VideoRequest, offers: Offers, is_part: bool) -> Plan:
        """The first step. Both models are checked now."""
        entry = catalog()[request.model]
        request = request.in_face_of(entry)
        request.check(entry, offers.published(request.model))
        chapter = _chapter_of(request, offers)
        title = request.title or chapter.words()
        shared = request.model_dump(mode="json", exclude_none=True, exclude=_OF_TEXT) | {"title": title}
        fields = chapter.text_by_reference(store().put_text).fields()
        return Plan(
            title=title,
            model=request.model,
            voice=request.face,
            params={"video": shared},
            payloads=[payload_of_fields(_CHAPTER, title, {"task": ChapterRequest.task, **fields})],
            width=1,
            part_task="*task",
            part_queue=FLOW_QUEUE,
            part_priority=0,
            part_results=True,
            measure=FRAMES,
        )

    def gather(self, gathered: Gathered) -> Made:
        """The film; raises `More` with the second step when the text was spoken, `Incomplete` if its sound is gone."""
        outcomes, lost = gathered.outcomes, _lacking(gathered)
        spoken = outcomes[1].get("audio")
        if spoken and (gathered.record.total == 1 or lost) and store().find(spoken["artifact"]) is None:
            raise Incomplete([1, *lost])
        if gathered.record.failed:
            return Made({}, gathered.computed, f"The sound is kept: {spoken['artifact']}" if spoken else "")
        if gathered.record.total > 1:
            return Made(outcomes[2], gathered.computed)
        if not spoken:
            raise InvalidInput("text: nothing in it can be spoken, so there is no film")
        fields = {"task": VideoRequest.task, **gathered.params["video"], "audio": spoken["artifact"]}
        raise More([payload_of_fields(_VIDEO, gathered.record.title, fields)])


_OF_TEXT = {"text", "text_ref", "speech", *NOT_SHARED}
"""Fields of a film's request that its second step does not have."""


def _chapter_of(request: VideoRequest, offers: Offers) -> ChapterRequest:
    """The request that speaks the text; raises `InvalidInput`, which begins with `speech.` for a field of it."""
    assert request.speech is not None
    speech = request.speech.model_dump(mode="json", exclude_none=True, exclude={"title", *NOT_SHARED})
    text = {"text": request.text} if request.text is not None else {"text_ref": request.text_ref}
    chapter = ChapterRequest.parse({**speech, **text, "title": request.title})
    try:
        entry = catalog()[chapter.model]
        chapter = chapter.in_voice_of(entry)
        chapter.check(entry, offers.published(chapter.model))
    except InvalidInput as exc:
        raise type(exc)(f"speech.{exc}") from exc
    return chapter
