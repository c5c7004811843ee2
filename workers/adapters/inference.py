"""What the author of an adapter for any model imports: the craft `infer`.

An input is JSON, which `input_model`, a pydantic model, describes; its fields may name files (`File`). `prepare` gets
an instance of it in `item.input`, and `run` returns for each input a JSON value, or `Data`: bytes with a media type.
`docs/adapters.md` is the page for authors. Knows no model.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from tasks.errors import ArtifactMissing, InvalidInput, ModelError, OutOfMemory
from tasks.messages import InferRequest
from tasks.messages.infer.json_value import place_of
from tasks.messages.infer.schema import FILE_FORMAT
from tasks.store.names import checked_name
from tasks.terminal.printable import size_in_words
from workers.adapters.base import Adapter, Cancelled, Offer, Options
from workers.adapters.outputs import Data

__all__ = [
    "Cancelled",
    "Data",
    "File",
    "InferRequest",
    "InferenceAdapter",
    "Input",
    "InvalidInput",
    "ModelError",
    "Offer",
    "Options",
    "OutOfMemory",
]


_LEAVES = frozenset({str, int, float, bool, type(None)})


class Input(BaseModel):
    """A base for `input_model`: strict, so a text is no number; unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class FileName(str):
    """The name of an artifact in an input that was checked; `most_bytes` is how long it may be (None: any length)."""

    __slots__ = ("most_bytes",)
    most_bytes: int | None

    def __new__(cls, name: str, most_bytes: int | None = None) -> FileName:
        made = super().__new__(cls, name)
        made.most_bytes = most_bytes
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return FileName, (str(self), self.most_bytes)


@dataclass(frozen=True)
class File:
    """Marks a field that names an artifact of at most `most_bytes` bytes: `image: Annotated[str, File(5_000_000)]`.

    Lists of them are `list[Annotated[str, File(5_000_000)]]`. A client puts the bytes into the store (`Client.put`).
    """

    most_bytes: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text that is the name of an artifact."""
        return core_schema.no_info_after_validator_function(self._named, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Clients find the files of an input by this format."""
        limit = {} if self.most_bytes is None else {"most_bytes": self.most_bytes}
        return {**handler(schema), "format": FILE_FORMAT, **limit}

    def _named(self, name: str) -> FileName:
        try:
            return FileName(checked_name(name), self.most_bytes)
        except InvalidInput as exc:
            raise ValueError(str(exc).removeprefix("artifact: ")) from None


class InferenceAdapter(Adapter[InferRequest, Any]):
    """One kind of model with inputs and outputs of its own.

    `run` returns for each input a JSON value (numpy's scalars and arrays and pydantic models may be in it), `Data`, or
    an exception that fails this input alone. By default it gets what `item.input` is.
    """

    craft = "infer"

    examples: ClassVar[Sequence[Any]] = ()
    """Inputs that the model can compute, as JSON, for `slotline model check`; bytes stand for the name of a file."""

    def prepare(self, item: InferRequest) -> Any:
        """What `run` gets: by default the input, an instance of `input_model`, or JSON where there is none."""
        return item.input

    def crossing(self, made: Any) -> Any:
        """The output, with tensors as lists: a tensor on a GPU would take memory of it in the process that reads it."""
        return made if isinstance(made, Data) else _without_tensors(made)

    def length(self, item: InferRequest) -> float:
        """The length of the input as JSON."""
        return item.input_size()

    def read(self, item: InferRequest, field: str) -> bytes:
        """The content of a file that the input names; only for `prepare`.

        `field` is the field (`image`, `images.0`), or its value. Raises `InvalidInput` that names the field if it names
        no file, if the store has no such file, or if it is longer than the field's `most_bytes`.
        """
        name, place = _file(item, field)
        try:
            if (most_bytes := name.most_bytes) is not None and (size := self.size_of_artifact(str(name))) > most_bytes:
                sizes = f"{size_in_words(size)}; it may have {size_in_words(most_bytes)} at most"
                raise InvalidInput(f"{place}: {name} has {sizes}")
            return self.read_artifact(str(name))
        except ArtifactMissing as exc:
            raise InvalidInput(f"{place}: {exc}") from exc


def _without_tensors(value: Any) -> Any:
    """The value, with each tensor of torch in its lists and objects as a list."""
    if isinstance(value, dict):
        return {key: _without_tensors(one) for key, one in value.items()}
    if type(value) in (list, tuple):
        is_plain = set(map(type, value)) <= _LEAVES  # one look, because a list of numbers may be long
        return value if is_plain else [_without_tensors(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") and hasattr(value, "detach") else value


def _file(item: InferRequest, field: str) -> tuple[FileName, str]:
    """The file that is meant, and its place in words."""
    value: Any = item.input.model_dump() if isinstance(item.input, BaseModel) else item.input
    if isinstance(field, FileName):
        return field, place_of("input", next(_steps_to(value, field), ()))
    place = place_of("input", field.split("."))
    for step in field.split("."):
        with contextlib.suppress(LookupError, TypeError, ValueError):
            value = value[int(step) if isinstance(value, (list, tuple)) else step]
            continue
        value = None
    if not isinstance(value, str):
        raise InvalidInput(f"{place}: it names no file")
    return value if isinstance(value, FileName) else FileName(value), place


def _steps_to(value: Any, name: str) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, str):
        if value == name:
            yield ()
        return
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for step, one in below:
        for steps in _steps_to(one, name):
            yield (step, *steps)
