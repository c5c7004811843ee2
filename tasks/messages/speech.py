"""Speech: its craft, and the requests and results of its tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field

from tasks.errors import InvalidInput
from tasks.media.pieces import Pieces
from tasks.messages.base import JobRequest, Message, ModelRequest, Title
from tasks.messages.craft import Craft
from tasks.messages.files import Audio, ResultFile
from tasks.messages.lookup import check_craft
from tasks.messages.result import Result
from tasks.messages.texts import SomeText, TextOrRef, TextPart, sizes_of, texts_by_reference
from tasks.messages.voices import check_voice

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published

Speed = Annotated[float, Field(ge=0.25, le=4.0)]


class Speaking(ModelRequest):
    """How to speak a text; shared by paragraph, chapter and book."""

    voice: str | None = Field(None, min_length=1, max_length=200)
    speed: Speed = 1.0

    def check(self, entry: ModelEntry | None, offer: Published | None) -> None:
        """Refuse a model that does not speak, and a voice that it does not have."""
        check_craft(SPEECH, self.model, entry, offer)
        check_voice(entry, offer, self.voice)

    def in_voice_of(self, entry: ModelEntry) -> Self:
        """The same request, with the table's voice if it names none."""
        return self if self.voice is not None else self.model_copy(update={"voice": entry.voice})


class Joined(JobRequest, Speaking):
    """How a text is split and its pieces are joined; shared by chapter and book."""

    max_chars: int = Field(256, ge=20, le=10_000)
    pause_s: float = Field(0.6, ge=0, le=10)
    sentence_pause_s: float = Field(0.15, ge=0, le=10)
    parallel_paragraphs: int | None = Field(None, ge=1, le=10_000)


class ParagraphRequest(TextPart, Speaking):
    """One text that one slot speaks at once."""

    task = "speech.paragraph"
    kind = "paragraph"
    variant_field = "voice"


class ChapterRequest(SomeText, Joined):
    """A text of any length: spoken paragraph by paragraph, and joined to one file.

    Either `text`, or `text_ref`: the name of a text artifact in the store.
    """

    task = "speech.chapter"
    kind = "chapter"


class BookChapter(TextOrRef):
    """One chapter of a book: its title, and its text or a reference to it."""

    title: Title = ""


class BookRequest(Joined):
    """Chapters in order; each becomes one file."""

    task = "speech.book"
    kind = "book"

    chapters: list[BookChapter] = Field(min_length=1, max_length=10_000)
    parallel_chapters: int | None = Field(None, ge=1, le=1000)

    def input_sizes(self) -> Sequence[int]:
        """The length of each chapter."""
        return sizes_of(self.chapters)

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same book; if the chapters together are long, with references to all their texts."""
        stored = texts_by_reference(self.chapters, put_text)
        return self if stored is None else self.model_copy(update={"chapters": stored})


class Speech(Craft):
    """The craft of models that speak a text."""

    name = "speech"
    request = ParagraphRequest
    refusal = "does not speak"

    def is_known_of(self, entry: ModelEntry) -> bool:
        """True for slotline's own adapters that speak."""
        gives = entry.options.get("gives", "sound")
        return entry.adapter in ("espeak", "kokoro", "viettts") or (entry.adapter == "rehearsal" and gives == "sound")


SPEECH = Speech()


class Skipped(Message):
    """A part that was skipped, and why. `part` counts from 1."""

    part: int
    reason: str
    words: str = ""


class Spoken(Result):
    """A result with audio; its length is in seconds."""

    duration_s: float

    def words(self) -> str:
        """Its length."""
        return f"{self.duration_s:.1f} s of audio"


class ParagraphResult(Spoken):
    """The result of a paragraph. `computed` is false if the artifact existed already.

    `pieces` say when its text is spoken; None if they are only in the audio's details, as those of one input of many.
    """

    kind: Literal["paragraph"] = "paragraph"
    audio: Audio
    computed: bool
    pieces: Pieces | None = None

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """Its audio."""
        return [ResultFile(self.audio, pieces=self.pieces)]


class ChapterResult(Spoken):
    """The result of a chapter; `audio` is None if it has nothing to speak.

    `pieces` say when its text is spoken; None if they are only in the audio's details: those of a book's chapter, and
    more than `MOST_BYTES` of them (`tasks/media/pieces.py`).
    """

    kind: Literal["chapter"] = "chapter"
    title: str = ""
    audio: Audio | None = None
    paragraphs: int
    parts: int
    computed: int
    skipped: list[Skipped] = Field(default_factory=list)
    pieces: Pieces | None = None

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """Its audio; raises `InvalidInput` if there is none."""
        if self.audio is None:
            raise InvalidInput("text: nothing in it can be spoken, so there is no audio to save")
        return [ResultFile(self.audio, self.title, self.pieces)]


class BookResult(Spoken):
    """The result of a book: its chapters' results, in order."""

    is_folder: ClassVar[bool] = True

    kind: Literal["book"] = "book"
    title: str = ""
    chapters: list[ChapterResult]

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile | None]:
        """One file for each chapter with audio."""
        return [ResultFile(one.audio, one.title, one.pieces) if one.audio else None for one in self.chapters]
