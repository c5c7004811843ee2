"""Requests and results of the summary tasks."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from tasks.messages.base import Message, ModelName, Request, Text, TextRef, Title, check_not_empty, check_one_text

Tokens = Annotated[int, Field(ge=1, le=100_000)]
LeastTokens = Annotated[int, Field(ge=0, le=100_000)]
ChunkChars = Annotated[int, Field(ge=20, le=1_000_000)]
Parallel = Annotated[int, Field(ge=1, le=10_000)]


class Summarising(Request):
    """What a summary is to be like; lengths are in tokens of the model, None means the model's own."""

    model: ModelName
    max_length: Tokens | None = None
    min_length: LeastTokens | None = None

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if self.max_length is not None and self.min_length is not None and self.min_length > self.max_length:
            raise ValueError(f"min_length: {self.min_length} is more than max_length, {self.max_length}")
        return self


class SummaryPartRequest(Summarising):
    """One text that one slot summarises at once; what is longer than the model reads is cut."""

    text: Text

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        check_not_empty(self.text)
        return self


class SummaryResult(Message):
    """What a text became. `computed` is false where the artifact was there already.

    `tokens_read` of it went into the model; `is_cut` where that was not all of it.
    """

    text: str
    artifact: str
    tokens_read: int
    is_cut: bool
    computed: bool


class SummaryTextRequest(Summarising):
    """A text of any length, to become one summary: summaries of its chunks, of those again, until one is left.

    `text` itself, or `text_ref`: the name of a text artifact in the store. `chunk_chars` is the longest chunk; None
    goes by what the model says that it reads.
    """

    text: Text | None = None
    text_ref: TextRef | None = None
    title: Title = ""
    chunk_chars: ChunkChars | None = None
    parallel_parts: Parallel | None = None

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        check_one_text(self.text, self.text_ref)
        check_not_empty(self.text)
        return self


class TextToSummarise(Request):
    """One text of many: its title, and its text or where it lies."""

    title: Title = ""
    text: Text | None = None
    text_ref: TextRef | None = None

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        check_one_text(self.text, self.text_ref)
        check_not_empty(self.text)
        return self


class SummaryTextsRequest(Summarising):
    """Texts in their order, each to become one summary."""

    texts: list[TextToSummarise] = Field(min_length=1, max_length=100_000)
    title: Title = ""
    chunk_chars: ChunkChars | None = None
    parallel_texts: Parallel | None = None
    parallel_parts: Parallel | None = None


class TextSummaryResult(Message):
    """What a text became. `levels` is how often summaries were summarised again, the first time included.

    `is_complete` is false where the summaries did not become fewer: then `text` is all those of the last level, a
    paragraph each, and `artifact` holds that. `is_cut` says that the model did not read all of what it was given.
    `computed` is how many of the parts were made anew.
    """

    title: str = ""
    text: str
    artifact: str
    levels: int
    parts: int
    computed: int
    is_complete: bool
    is_cut: bool


class SummariesResult(Message):
    """What many texts became, in their order; None for one that failed."""

    title: str = ""
    summaries: list[TextSummaryResult | None]
