"""Speech: its craft, and the requests and results of its tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field

from tasks.errors import InvalidInput
from tasks.messages.base import JobRequest, Message, ModelRequest, Title
from tasks.messages.craft import Craft
from tasks.messages.files import Audio, ResultFile
from tasks.messages.lookup import check_craft
from tasks.messages.result import Result
from tasks.messages.texts import SomeText, TextOrRef, TextPart, texts_by_reference
from tasks.messages.voices import check_voice

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published

Speed = Annotated[float, Field(ge=0.25, le=4.0)]


class Speaking(ModelRequest):
    """How a text is to be spoken; shared by paragraph, chapter and book."""

    voice: str | None = Field(None, min_length=1, max_length=200)
    speed: Speed = 1.0

    def check(self, entry: ModelEntry | None, offer: Published | None) -> None:
        """Refuse a model that does not speak, and a voice that it lacks."""
        check_craft(SPEECH, self.model, entry, offer)
        check_voice(entry, offer, self.voice)

    def in_voice_of(self, entry: ModelEntry) -> Self:
        """The same request in the table's own voice where it names none."""
        return self if self.voice is not None else self.model_copy(update={"voice": entry.voice})


class Joined(JobRequest, Speaking):
    """How pieces of a text are cut and joined; shared by chapter and book."""

    max_chars: int = Field(256, ge=20, le=10_000)
    pause_s: float = Field(0.6, ge=0, le=10)
    sentence_pause_s: float = Field(0.15, ge=0, le=10)
    parallel_paragraphs: int | None = Field(None, ge=1, le=10_000)


class ParagraphRequest(TextPart, Speaking):
    """One text that one slot speaks at once."""

    task = "speech.paragraph"
    kind = "paragraph"


class ChapterRequest(SomeText, Joined):
    """A text of any length: spoken paragraph by paragraph, joined to one file.

    `text` itself, or `text_ref`: the name of a text artifact in the store.
    """

    task = "speech.chapter"
    kind = "chapter"


class BookChapter(TextOrRef):
    """One chapter of a book: its title, and its text or where it lies."""

    title: Title = ""


class BookRequest(Joined):
    """Chapters in their order, each to become one file."""

    task = "speech.book"
    kind = "book"

    chapters: list[BookChapter] = Field(min_length=1, max_length=10_000)
    parallel_chapters: int | None = Field(None, ge=1, le=1000)

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same book; where the chapters are long together, all their texts are put away."""
        stored = texts_by_reference(self.chapters, put_text)
        return self if stored is None else self.model_copy(update={"chapters": stored})


class Speech(Craft):
    """A text becomes sound."""

    name = "speech"
    request = ParagraphRequest
    refusal = "does not speak"

    def is_known_of(self, entry: ModelEntry) -> bool:
        """Of slotline's own adapters."""
        gives = entry.options.get("gives", "sound")
        return entry.adapter in ("espeak", "viettts") or (entry.adapter == "rehearsal" and gives == "sound")


SPEECH = Speech()


class Skipped(Message):
    """A part that was left out on purpose, and why. `part` counts from 1."""

    part: int
    reason: str
    words: str = ""


class Spoken(Result):
    """What was spoken; how long it is in seconds."""

    duration_s: float

    def words(self) -> str:
        """Its length."""
        return f"{self.duration_s:.1f} s of audio"


class ParagraphResult(Spoken):
    """What a paragraph became. `computed` is false where the artifact was there already."""

    kind: Literal["paragraph"] = "paragraph"
    audio: Audio
    computed: bool

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """Its audio."""
        return [ResultFile(self.audio)]


class ChapterResult(Spoken):
    """What a chapter became; `audio` is None when it held nothing to speak."""

    kind: Literal["chapter"] = "chapter"
    title: str = ""
    audio: Audio | None = None
    paragraphs: int
    parts: int
    computed: int
    skipped: list[Skipped] = Field(default_factory=list)

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """Its audio; raises `InvalidInput` where there is none."""
        if self.audio is None:
            raise InvalidInput("text: nothing in it can be spoken, so there is no audio to save")
        return [ResultFile(self.audio, self.title)]


class BookResult(Spoken):
    """What a book became: its chapters' results, in order."""

    is_folder: ClassVar[bool] = True

    kind: Literal["book"] = "book"
    title: str = ""
    chapters: list[ChapterResult]

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile | None]:
        """A file for each chapter that has audio."""
        return [ResultFile(one.audio, one.title) if one.audio else None for one in self.chapters]
