"""Requests and results of the speech tasks, validated, to and from JSON.

The request models are the keyword arguments of the tasks; their field names are the
words that a refusal names. A result is small: audio itself lies in the store.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tasks.errors import InvalidInput

MAX_TEXT_CHARS = 20_000_000
"""Longest text of one job; `War and Peace` has 3.2 million."""

INLINE_TEXT_BYTES = 16 * 1024
"""A longer text goes to the store, and its reference into the message."""


_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028]")

# Unicode's categories Cc and Cs; by a pattern, as a chapter of a megabyte is asked for at once.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def normalise(text: str) -> str:
    """The text as it is spoken and hashed: NFC, Unix line ends, no control characters but newline and tab.

    Applied twice it changes nothing more.
    """
    text = _LINE_ENDS.sub("\n", text).replace("\u2029", "\n\n")
    text = _CONTROLS.sub("", text)
    # Composed last: a control character may have stood between a letter and its mark.
    return unicodedata.normalize("NFC", text)


def is_speakable(text: str) -> bool:
    """Whether the text holds at least one letter or digit."""
    return any(c.isalnum() for c in text)


Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS), AfterValidator(normalise)]
ModelName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Speed = Annotated[float, Field(ge=0.25, le=4.0)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        """Build from keyword arguments; raises `InvalidInput` that names the field at fault."""
        try:
            return cls.model_validate(fields)
        except ValidationError as exc:
            raise InvalidInput(_first_fault(exc, cls)) from exc

    def fields(self) -> dict[str, Any]:
        """The message as JSON-ready keyword arguments, without what is unset."""
        return self.model_dump(mode="json", exclude_none=True)


class _Request(_Message):
    """What a sender asks for. Strict: a number is a number, not a text or a truth value that could pass for one."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


def _first_fault(exc: ValidationError, message: type[BaseModel]) -> str:
    """One line: the field, what is wrong with it, and what was given where that says more."""
    fault = exc.errors(include_url=False)[0]
    where = ".".join(str(step) for step in fault["loc"])
    kind, given = fault["type"], fault.get("input")
    if kind == "missing":
        return f"{where}: is missing"
    if kind == "extra_forbidden":
        # In a list of messages the fields are not those of the outer one.
        takes = f"; there are: {', '.join(message.model_fields)}" if len(fault["loc"]) == 1 else ""
        return f"{where}: there is no such field{takes}"
    said = fault["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{where}.{said}" if where else said
    if kind == "string_pattern_mismatch":
        said = "a name is of a-z, 0-9, '.', '_' and '-'"
    return f"{where}: {said} (got {_shown(given)})" if where else said


def _shown(given: Any) -> str:
    """What was given, in at most 60 characters."""
    shown = repr(given[:60] if isinstance(given, str | bytes) else given)
    return shown if len(shown) <= 60 else shown[:59] + "…"


class Speaking(_Request):
    """How a text is to be spoken; shared by paragraph, chapter and book."""

    model: ModelName
    voice: str | None = Field(None, min_length=1, max_length=200)
    speed: Speed = 1.0


class ParagraphRequest(Speaking):
    """One text that one slot speaks at once."""

    text: Text

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.text.strip():
            raise ValueError("text: is empty")
        return self


class ChapterRequest(Speaking):
    """A text of any length: spoken paragraph by paragraph, joined to one file.

    `text` itself, or `text_ref`: the name of a text artifact in the store.
    """

    text: Text | None = None
    text_ref: str | None = Field(None, max_length=200)
    title: str = Field("", max_length=500)
    max_chars: int = Field(256, ge=20, le=10_000)
    pause_s: float = Field(0.6, ge=0, le=10)
    sentence_pause_s: float = Field(0.15, ge=0, le=10)
    parallel_paragraphs: int | None = Field(None, ge=1, le=10_000)

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if (self.text is None) == (self.text_ref is None):
            raise ValueError("text: give it, or text_ref, and not both")
        if self.text is not None and not self.text.strip():
            raise ValueError("text: is empty")
        return self


class BookChapter(_Request):
    """One chapter of a book: its title, and its text or where it lies."""

    title: str = Field("", max_length=500)
    text: Text | None = None
    text_ref: str | None = Field(None, max_length=200)

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if (self.text is None) == (self.text_ref is None):
            raise ValueError("text: give it, or text_ref, and not both")
        return self


class BookRequest(Speaking):
    """Chapters in their order, each to become one file."""

    title: str = Field("", max_length=500)
    chapters: list[BookChapter] = Field(min_length=1, max_length=10_000)
    max_chars: int = Field(256, ge=20, le=10_000)
    pause_s: float = Field(0.6, ge=0, le=10)
    sentence_pause_s: float = Field(0.15, ge=0, le=10)
    parallel_chapters: int | None = Field(None, ge=1, le=1000)
    parallel_paragraphs: int | None = Field(None, ge=1, le=10_000)


class Audio(_Message):
    """An audio artifact: `frames` samples of mono sound at `sample_rate` Hz."""

    artifact: str
    sample_rate: int
    frames: int
    bytes: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


class Skipped(_Message):
    """A part that was left out on purpose, and why. `part` counts from 1."""

    part: int
    reason: str
    words: str = ""


class ParagraphResult(_Message):
    """What a paragraph became. `computed` is false where the artifact was there already."""

    audio: Audio
    duration_s: float
    computed: bool


class ChapterResult(_Message):
    """What a chapter became; `audio` is None when it held nothing to speak."""

    title: str = ""
    audio: Audio | None
    duration_s: float
    paragraphs: int
    parts: int
    computed: int
    skipped: list[Skipped] = []


class BookResult(_Message):
    """What a book became: its chapters' results, in order."""

    title: str = ""
    chapters: list[ChapterResult]
    duration_s: float
