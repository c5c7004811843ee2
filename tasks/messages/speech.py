"""Requests and results of the speech tasks."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from tasks.messages.base import Message, ModelName, Request, Text, TextRef, Title, check_not_empty, check_one_text

Speed = Annotated[float, Field(ge=0.25, le=4.0)]


class Speaking(Request):
    """How a text is to be spoken; shared by paragraph, chapter and book."""

    model: ModelName
    voice: str | None = Field(None, min_length=1, max_length=200)
    speed: Speed = 1.0


class ParagraphRequest(Speaking):
    """One text that one slot speaks at once."""

    text: Text

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        check_not_empty(self.text)
        return self


class ChapterRequest(Speaking):
    """A text of any length: spoken paragraph by paragraph, joined to one file.

    `text` itself, or `text_ref`: the name of a text artifact in the store.
    """

    text: Text | None = None
    text_ref: TextRef | None = None
    title: Title = ""
    max_chars: int = Field(256, ge=20, le=10_000)
    pause_s: float = Field(0.6, ge=0, le=10)
    sentence_pause_s: float = Field(0.15, ge=0, le=10)
    parallel_paragraphs: int | None = Field(None, ge=1, le=10_000)

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        check_one_text(self.text, self.text_ref)
        check_not_empty(self.text)
        return self


class BookChapter(Request):
    """One chapter of a book: its title, and its text or where it lies."""

    title: Title = ""
    text: Text | None = None
    text_ref: TextRef | None = None

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        check_one_text(self.text, self.text_ref)
        return self


class BookRequest(Speaking):
    """Chapters in their order, each to become one file."""

    title: Title = ""
    chapters: list[BookChapter] = Field(min_length=1, max_length=10_000)
    max_chars: int = Field(256, ge=20, le=10_000)
    pause_s: float = Field(0.6, ge=0, le=10)
    sentence_pause_s: float = Field(0.15, ge=0, le=10)
    parallel_chapters: int | None = Field(None, ge=1, le=1000)
    parallel_paragraphs: int | None = Field(None, ge=1, le=10_000)


class Audio(Message):
    """An audio artifact: `frames` samples of mono sound at `sample_rate` Hz."""

    artifact: str
    sample_rate: int
    frames: int
    bytes: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


class Skipped(Message):
    """A part that was left out on purpose, and why. `part` counts from 1."""

    part: int
    reason: str
    words: str = ""


class ParagraphResult(Message):
    """What a paragraph became. `computed` is false where the artifact was there already."""

    audio: Audio
    duration_s: float
    computed: bool


class ChapterResult(Message):
    """What a chapter became; `audio` is None when it held nothing to speak."""

    title: str = ""
    audio: Audio | None = None
    duration_s: float
    paragraphs: int
    parts: int
    computed: int
    skipped: list[Skipped] = Field(default_factory=list)


class BookResult(Message):
    """What a book became: its chapters' results, in order."""

    title: str = ""
    chapters: list[ChapterResult]
    duration_s: float
