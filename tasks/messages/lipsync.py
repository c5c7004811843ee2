"""Lip-sync: its craft, and the requests and results of its tasks. A sound and a face become film."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from tasks.messages.base import INLINE_TEXT_BYTES, JobRequest, Message, ModelRequest, PartRequest, Text, TextRef
from tasks.messages.craft import Craft
from tasks.messages.files import Archive, ResultFile, StoredFile
from tasks.messages.lookup import check_craft
from tasks.messages.result import Result
from tasks.messages.speech import Joined
from tasks.messages.variants import check_variant

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published

FPS = 25
"""Frames a second of every film: the faces were trained with it."""

SOUND_RATE = 16_000
"""Samples a second of the sound that moves a mouth. The sound of the film keeps its own rate."""

MOST_SAMPLES = 2**40
"""Two years of sound. JSON has numbers of any size, and those beyond what a float holds are no sound."""

MOST_STRETCH_FRAMES = 750
"""The longest stretch, 30 s: it is in memory as a whole, 1 MB a frame at 1280×720 in both of a slot's processes."""

FaceName: TypeAlias = Annotated[str, Field(min_length=1, max_length=128)]
ArtifactName: TypeAlias = Annotated[str, Field(max_length=200)]
PictureFormat: TypeAlias = Literal["jpg", "png"]


class FaceRequest(ModelRequest):
    """Which face, and what the film is made of; None means the model's default face.

    `first_background` is the background behind the first frame, counted in the order in which they are shown, so that
    one film can go on where another one ended. With `pictures` the frames are pictures of this format, not a film.
    """

    face: FaceName | None = None
    first_background: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    pictures: PictureFormat | None = None

    def check(self, entry: ModelEntry | None, offer: Published | None) -> None:
        """Refuse a model that shows no face, and a face that it is known not to have."""
        check_craft(LIPSYNC, self.model, entry, offer)
        check_variant("face", entry, offer, self.face)

    def in_face_of(self, entry: ModelEntry) -> Self:
        """The same request, with the table's face if it names none."""
        return self if self.face is not None else self.model_copy(update={"face": entry.voice})


class StretchRequest(FaceRequest, PartRequest):
    """A stretch of a film that one slot computes at once: `frames` frames from frame `start` of the sound on.

    The sound has `samples` samples (mono, 16,000 Hz) and lies in the store in blocks, which are artifacts of WAV.
    `sounds` names those blocks, in order, in which all lies that the stretch depends on; the first of them begins at
    sample `sounds_from` of the sound. `first_background` is that of its own first frame.
    """

    task = "lipsync.stretch"
    kind = "stretch"
    content = frozenset({"sounds", "sounds_from", "samples", "start", "frames", "first_background"})
    variant_field = "face"
    names_artifacts = True

    sounds: Annotated[list[ArtifactName], Field(min_length=1, max_length=100)]
    sounds_from: Annotated[int, Field(ge=0, le=MOST_SAMPLES)] = 0
    samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES)]
    start: Annotated[int, Field(ge=0, le=MOST_SAMPLES)] = 0
    frames: Annotated[int, Field(ge=1, le=MOST_STRETCH_FRAMES)]

    def input_size(self) -> int:
        """The number of frames."""
        return self.frames

    def words(self) -> str:
        """When it begins in the film, and how long it is."""
        return f"{self.start / FPS:.2f} s, {self.frames} frames"


class SpokenBy(Joined):
    """How a text is spoken before its film is made: the fields of a chapter without its text; `model` is required."""


class VideoRequest(FaceRequest, JobRequest):
    """A sound of any length and a face; the result is a film as long as the sound.

    The sound is one of three: `audio`, the name of an artifact with sound in any usual format, or the result of a task
    that made one; or `text` or `text_ref` (a text artifact), which the model in `speech` speaks first.
    `stretch_frames` is the length of the parts.
    """

    task = "lipsync.video"
    kind = "video"
    takes_result = True

    audio: ArtifactName | None = None
    text: Text | None = None
    text_ref: TextRef | None = None
    speech: SpokenBy | None = None
    stretch_frames: Annotated[int, Field(ge=1, le=MOST_STRETCH_FRAMES)] = FPS
    parallel_stretches: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _sound_of_result(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and isinstance(given.get("audio"), (Mapping, list)):
            return {**given, "audio": sound_in(given["audio"])}
        return given

    @model_validator(mode="after")
    def _one_sound(self) -> Self:
        given = [one for one in (self.audio, self.text, self.text_ref) if one is not None]
        if len(given) != 1:
            raise ValueError("audio: give it, or text, or text_ref, and only one of them")
        if self.audio is None and self.speech is None:
            raise ValueError("speech: is missing; it says which model speaks the text, and how")
        if self.audio is not None and self.speech is not None:
            raise ValueError("speech: only for a text; the film of a sound takes none")
        return self

    def input_sizes(self) -> Sequence[int]:
        """Not known: how many frames a sound or a text becomes is known when it was read or spoken."""
        return ()

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same request, with a reference to a long text."""
        if not self.text or len(self.text.encode(errors="replace")) <= INLINE_TEXT_BYTES:
            return self
        return self.model_copy(update={"text": None, "text_ref": put_text(self.text)})


def result_before(before: Sequence[Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a film in a chain: the result of the task `before` it is its sound, and gives it its title.

    Raises nothing: what has no sound, or is more than one, is refused with the other fields.
    """
    if not before:
        return dict(fields)
    given = [*before, *([fields["audio"]] if "audio" in fields else [])]
    title = given[0].get("title") if isinstance(given[0], Mapping) else None
    titled = {"title": title} if isinstance(title, str) else {}
    return {**titled, **fields, "audio": given[0] if len(given) == 1 else given}


def sound_in(result: Mapping[str, Any] | Sequence[Any]) -> str:
    """The name of the sound that a task has made, from its result; raises `ValueError` if there is not exactly one."""
    if not isinstance(result, Mapping) and len(result) == 1 and isinstance(result[0], (Mapping, list)):
        return sound_in(result[0])  # of a chord with one task
    if not isinstance(result, Mapping):
        raise ValueError(f"audio: there are {len(result)}; give the result of one task, or the name of one sound")
    if result.get("chapters"):
        raise ValueError("audio: a book has a sound for each chapter; make a film of each")
    audio = result.get("audio")
    name = audio.get("artifact") if isinstance(audio, Mapping) else audio
    if isinstance(name, str):
        return name
    if "audio" in result or result.get("kind") == "chapter":
        raise ValueError("audio: the task before made no sound: nothing in its text could be spoken")
    raise ValueError(f"audio: the task before made no sound, but a result of the kind {result.get('kind')!r}")


class Lipsync(Craft):
    """The craft of models that show a face which speaks."""

    name = "lipsync"
    request = StretchRequest
    refusal = "shows no face"

    def is_known_of(self, entry: ModelEntry) -> bool:
        """True for slotline's own adapters that make film."""
        return entry.adapter == "lipsync" or (entry.adapter == "rehearsal" and entry.options.get("gives") == "film")


LIPSYNC = Lipsync()


class Film(Message):
    """A film in the store: H.264 and, unless it is a stretch, AAC in mp4; `frames` pictures at 25 a second."""

    artifact: str
    width: int
    height: int
    frames: int
    bytes: int

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.frames / FPS


class StretchResult(Result):
    """A stretch: a film without sound (`format` is `mp4`), or a zip archive of pictures. `start` is its first frame."""

    kind: Literal["stretch"] = "stretch"
    film: Film
    format: str = "mp4"
    start: int = 0
    computed: bool

    def words(self) -> str:
        """Its length."""
        return f"{self.film.duration_s:.2f} s of film"

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """The film, or the archive."""
        return [ResultFile(StoredFile(self.film.artifact, "mp4" if self.format == "mp4" else "zip"))]


class VideoResult(Result):
    """A film of a whole sound. `computed` is the number of stretches that were computed in this job.

    `audio` is the artifact with the sound. With `pictures` there is no film: `archives` are zip archives of pictures,
    one for each stretch, in order; of a long film `archives_ref` names a text artifact with their names as JSON.
    """

    kind: Literal["video"] = "video"
    title: str = ""
    film: Film | None = None
    audio: str
    frames: int
    stretches: int
    computed: int
    pictures: PictureFormat | None = None
    archives: list[str] | None = None
    archives_ref: str | None = None

    @property
    def duration_s(self) -> float:
        """The length of the film in seconds."""
        return self.frames / FPS

    def words(self) -> str:
        """Its length."""
        return f"{self.duration_s:.1f} s of film"

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """The film, or the archives of its pictures."""
        if self.film:
            return [ResultFile(StoredFile(self.film.artifact, "mp4"), self.title)]
        named = json.loads(read_text(self.archives_ref)) if self.archives_ref else self.archives or ()
        return [ResultFile(Archive(str(name), self.pictures or "jpg")) for name in named]
