"""Request and result of many inputs at once, for any model."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tasks.messages.base import Message, ModelName, Request, TextRef, Title

MOST_INPUTS = 100_000

Craft = Literal["speech", "summary"]
"""What a model makes of an input."""


class MapRequest(Request):
    """Inputs in their order: each the fields of the task that computes one, but for `model`.

    `inputs` themselves, or `inputs_ref`: a text artifact that holds them as JSON. `craft` need only be named where
    nothing tells whether the model speaks or writes.
    """

    model: ModelName
    inputs: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_INPUTS)] | None = None
    inputs_ref: TextRef | None = None
    craft: Craft | None = None
    title: Title = ""
    parallel_inputs: Annotated[int, Field(ge=1, le=MOST_INPUTS)] | None = None

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if (self.inputs is None) == (self.inputs_ref is None):
            raise ValueError("inputs: give them, or inputs_ref, and not both")
        return self


class MapResult(Message):
    """What became of each input, in order: what the task of one gives; None for one that failed.

    Where they are many, `results` is None and `results_ref` names a text artifact that holds them as JSON.
    """

    title: str = ""
    total: int
    computed: int
    results: list[dict[str, Any] | None] | None = None
    results_ref: str | None = None
