"""Summaries: their craft, and the requests and results of their tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tasks.messages.base import JobRequest, ModelRequest, Title
from tasks.messages.craft import Craft
from tasks.messages.files import ResultFile
from tasks.messages.lookup import check_craft
from tasks.messages.result import Result
from tasks.messages.texts import SomeText, TextPart, texts_by_reference

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published

Tokens = Annotated[int, Field(ge=1, le=100_000)]
LeastTokens = Annotated[int, Field(ge=0, le=100_000)]
ChunkChars = Annotated[int, Field(ge=20, le=1_000_000)]
Parallel = Annotated[int, Field(ge=1, le=10_000)]


class Summarising(ModelRequest):
    """What a summary is to be like; lengths are in tokens of the model, None means the model's own."""

    max_length: Tokens | None = None
    min_length: LeastTokens | None = None

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if self.max_length is not None and self.min_length is not None and self.min_length > self.max_length:
            raise ValueError(f"min_length: {self.min_length} is more than max_length, {self.max_length}")
        return self

    def check(self, entry: ModelEntry | None, offer: Published | None) -> None:
        """Refuse a model that does not write."""
        check_craft(SUMMARY, self.model, entry, offer)


class InLevels(JobRequest, Summarising):
    """How long texts are cut: `chunk_chars` is the longest chunk; None goes by what the model says that it reads."""

    chunk_chars: ChunkChars | None = None
    parallel_parts: Parallel | None = None


class SummaryPartRequest(TextPart, Summarising):
    """One text that one slot summarises at once; what is longer than the model reads is cut."""

    task = "summary.part"
    kind = "summary_part"


class SummaryTextRequest(SomeText, InLevels):
    """A text of any length, to become one summary: summaries of its chunks, of those again, until one is left.

    `text` itself, or `text_ref`: the name of a text artifact in the store.
    """

    task = "summary.text"
    kind = "summary"


class TextToSummarise(SomeText):
    """One text of many: its title, and its text or where it lies."""

    title: Title = ""


class SummaryTextsRequest(InLevels):
    """Texts in their order, each to become one summary."""

    task = "summary.texts"
    kind = "texts"

    texts: list[TextToSummarise] = Field(min_length=1, max_length=100_000)
    parallel_texts: Parallel | None = None

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same request; where the texts are long together, all are put away."""
        stored = texts_by_reference(self.texts, put_text)
        return self if stored is None else self.model_copy(update={"texts": stored})


class Summary(Craft):
    """A text becomes a shorter one."""

    name = "summary"
    request = SummaryPartRequest
    refusal = "does not write"

    def is_known_of(self, entry: ModelEntry) -> bool:
        """Of slotline's own adapters."""
        return entry.adapter == "bart" or (entry.adapter == "rehearsal" and entry.options.get("gives") == "text")


SUMMARY = Summary()


class WrittenSummary(Result):
    """One summary; `artifact` holds its text too."""

    text: str
    artifact: str
    is_cut: bool

    def words(self) -> str:
        """Its length."""
        return f"a summary of {len(self.text):,} characters"

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """Its text."""
        return [ResultFile(self.text)]


class SummaryResult(WrittenSummary):
    """What a text became. `computed` is false where the artifact was there already.

    `tokens_read` of it went into the model; `is_cut` where that was not all of it.
    """

    kind: Literal["summary_part"] = "summary_part"
    tokens_read: int
    computed: bool


class TextSummaryResult(WrittenSummary):
    """What a text became. `levels` is how often summaries were summarised again, the first time included.

    `is_complete` is false where the summaries did not become fewer: then `text` is all those of the last level, a
    paragraph each, and `artifact` holds that. `is_cut` says that the model did not read all of what it was given.
    `computed` is how many of the parts were made anew.
    """

    kind: Literal["summary"] = "summary"
    title: str = ""
    levels: int
    parts: int
    computed: int
    is_complete: bool

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """Its text, by its title."""
        return [ResultFile(self.text, self.title)]


class SummariesResult(Result):
    """What many texts became, in their order; None for one that failed."""

    is_folder: ClassVar[bool] = True

    kind: Literal["texts"] = "texts"
    title: str = ""
    summaries: list[TextSummaryResult | None]

    def words(self) -> str:
        """How many there are."""
        return f"{len(self.summaries)} summaries"

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile | None]:
        """A file for each summary."""
        return [ResultFile(one.text, one.title) if one else None for one in self.summaries]
