"""Many inputs at once, for any model: the request and the result of `infer.map`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tasks.compact_json import dumps
from tasks.messages.base import INLINE_TEXT_BYTES, JobRequest, PartRequest, TextRef
from tasks.messages.files import ResultFile
from tasks.messages.lookup import crafts, result_of
from tasks.messages.result import Result
from tasks.terminal.printable import counted

MOST_INPUTS = 100_000

CraftName = Annotated[str, Field(min_length=1, max_length=64)]


class MapRequest(JobRequest):
    """Inputs in order: each has the fields of the task that computes one, without `model`.

    Either `inputs`, or `inputs_ref`: a text artifact with the inputs as JSON. `craft` is only needed if the model's
    craft is not known.
    """

    task = "infer.map"
    kind = "map"
    inputs_are_parts = True

    inputs: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_INPUTS)] | None = None
    inputs_ref: TextRef | None = None
    craft: CraftName | None = None
    parallel_inputs: Annotated[int, Field(ge=1, le=MOST_INPUTS)] | None = None

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if (self.inputs is None) == (self.inputs_ref is None):
            raise ValueError("inputs: give them, or inputs_ref, and not both")
        return self

    def input_sizes(self) -> Sequence[int]:
        """The size of each input, in its craft's unit: of texts where the craft is not named; 0 for a wrong one."""
        craft = crafts().get(self.craft or "")
        return [_size_of(craft.request, one) if craft else _texts_in(one) for one in self.inputs or ()]

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same request, with a reference to a long list."""
        if self.inputs is None:
            return self
        listed = dumps(self.inputs)
        if len(listed.encode(errors="replace")) <= INLINE_TEXT_BYTES:
            return self
        return self.model_copy(update={"inputs": None, "inputs_ref": put_text(listed)})


def _texts_in(fields: Mapping[str, Any]) -> int:
    return sum(len(value) for value in fields.values() if isinstance(value, str))


def _size_of(request: type[PartRequest], fields: Mapping[str, Any]) -> int:
    try:
        return request.trusted(fields).input_size()
    except (AttributeError, TypeError, ValueError):  # a wrong one: it is not checked here
        return 0


class MapResult(Result):
    """The result of each input, in order, as its own task returns it (of speech without pieces); None if it failed.

    If the list is long, `results` is None, and `results_ref` names a text artifact with the list as JSON.
    """

    is_folder: ClassVar[bool] = True

    kind: Literal["map"] = "map"
    title: str = ""
    total: int
    computed: int
    results: list[dict[str, Any] | None] | None = None
    results_ref: str | None = None

    def words(self) -> str:
        """The number of inputs."""
        return counted(self.total, "input")

    def each(self, read_text: Callable[[str], str]) -> list[Result | None]:
        """Each input's result, from the message or the store; None for one that failed."""
        listed = self.results if self.results is not None else json.loads(read_text(str(self.results_ref)))
        return [None if one is None else result_of(one) for one in listed]

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile | None]:
        """One file for each input that was computed: the first file of its result."""
        return [next(iter(one.files(read_text)), None) if one else None for one in self.each(read_text)]
