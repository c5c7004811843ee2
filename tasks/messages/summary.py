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
from tasks.messages.texts import SomeText, TextPart, sizes_of, texts_by_reference
from tasks.terminal.printable import counted

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published

Tokens = Annotated[int, Field(ge=1, le=100_000)]
LeastTokens = Annotated[int, Field(ge=0, le=100_000)]
ChunkChars = Annotated[int, Field(ge=20, le=1_000_000)]
Parallel = Annotated[int, Field(ge=1, le=10_000)]


class Summarising(ModelRequest):
    """How to summarise a text. Lengths are in tokens of the model; None means the model's default."""

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
    """How to split long texts: `chunk_chars` is the longest chunk; None: as much as the model reads at once."""

    chunk_chars: ChunkChars | None = None
    parallel_parts: Parallel | None = None


class SummaryPartRequest(TextPart, Summarising):
    """One text that one slot summarises at once; a text that is too long for the model is cut."""

    task = "summary.part"
    kind = "summary_part"


class SummaryTextRequest(SomeText, InLevels):
    """A text of any length for one summary: its chunks are summarised, then the summaries, until one is left.

    Either `text`, or `text_ref`: the name of a text artifact in the store.
    """

    task = "summary.text"
    kind = "summary"


class TextToSummarise(SomeText):
    """One text of many: its title, and its text or a reference to it."""

    title: Title = ""


class SummaryTextsRequest(InLevels):
    """Texts in order; each gets one summary."""

    task = "summary.texts"
    kind = "texts"

    texts: list[TextToSummarise] = Field(min_length=1, max_length=100_000)
    parallel_texts: Parallel | None = None

    def input_sizes(self) -> Sequence[int]:
        """The length of each text."""
        return sizes_of(self.texts)

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same request; if the texts together are long, with references to all of them."""
        stored = texts_by_reference(self.texts, put_text)
        return self if stored is None else self.model_copy(update={"texts": stored})


class Summary(Craft):
    """The craft of models that summarise a text."""

    name = "summary"
    request = SummaryPartRequest
    refusal = "does not write"

    def is_known_of(self, entry: ModelEntry) -> bool:
        """True for slotline's own adapters that write."""
        return entry.adapter == "bart" or (entry.adapter == "rehearsal" and entry.options.get("gives") == "text")


SUMMARY = Summary()


class WrittenSummary(Result):
    """One summary; `artifact` has its text too."""

    text: str
    artifact: str
    is_cut: bool

    def words(self) -> str:
        """Its length."""
        return f"a summary of {counted(len(self.text), 'character')}"

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """Its text."""
        return [ResultFile(self.text)]


class SummaryResult(WrittenSummary):
    """The summary of one text. `computed` is false if the artifact existed already.

    The model read `tokens_read` tokens of the text; `is_cut` if that was not the whole text.
    """

    kind: Literal["summary_part"] = "summary_part"
    tokens_read: int
    computed: bool


class TextSummaryResult(WrittenSummary):
    """The summary of a text of any length. `levels` is the number of levels of summaries.

    `is_complete` is false if the number of summaries did not fall to one: then `text` has all summaries of the last
    level, one per paragraph, and `artifact` has the same. `is_cut`: the model did not read all of its input.
    `computed` is the number of parts that were computed in this job.
    """

    kind: Literal["summary"] = "summary"
    title: str = ""
    levels: int
    parts: int
    computed: int
    is_complete: bool

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """Its text, in a file named after its title."""
        return [ResultFile(self.text, self.title)]


class SummariesResult(Result):
    """The summaries of many texts, in order; None for one that failed."""

    is_folder: ClassVar[bool] = True

    kind: Literal["texts"] = "texts"
    title: str = ""
    summaries: list[TextSummaryResult | None]

    def words(self) -> str:
        """The number of summaries."""
        return counted(len(self.summaries), "summary", "summaries")

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile | None]:
        """One file for each summary."""
        return [ResultFile(one.text, one.title) if one else None for one in self.summaries]
