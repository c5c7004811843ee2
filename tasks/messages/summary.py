"""Requests and results of the summary tasks."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from tasks.messages.base import Message, ModelName, Request, Text, check_not_empty

Tokens = Annotated[int, Field(ge=1, le=100_000)]
LeastTokens = Annotated[int, Field(ge=0, le=100_000)]


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
