"""Any model: JSON becomes JSON, or bytes with a media type. The input is checked against the adapter's own model."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tasks.errors import InvalidInput, ModelError
from tasks.messages import InferRequest
from tasks.messages.base import listed, shown
from tasks.messages.infer import INFER, JSON_TYPE, as_json, no_variants
from tasks.messages.infer.json_value import NotJson, place_of, text_of
from tasks.messages.variants import variant_missing
from tasks.store.names import JSON
from workers.adapters.outputs import Data
from workers.sidecar.crafts import from_schema
from workers.sidecar.crafts.base import SlotCraft
from workers.sidecar.crafts.examples import Examples

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import AnyAdapter, Offer
    from workers.sidecar.crafts.base import KnownModel

NO_EXAMPLES = 'the adapter has none; add inputs that it can compute to its class: examples = [{"text": "a"}]'

VARIED = 3
"""Of so many examples of an adapter other inputs are made."""

KEPT_BYTES = 1024
"""A JSON output that is not longer is kept in the artifact's details too."""

_NAME = r"[A-Za-z0-9][\w!#$&^.+-]{0,95}"
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}(; ?[\x21-\x7e ]{{1,60}})?", re.ASCII)


class InferCraft(SlotCraft[InferRequest, Any]):
    """`infer.one`."""

    craft = INFER
    extension = "bin"
    makes_none = True  # JSON's null

    def variant(self, entry: ModelEntry, request: InferRequest) -> str | None:
        """The registry's model; raises `InvalidInput` if none is named, or one is named of a single model."""
        if not entry.is_registry:
            if request.variant is not None:
                raise no_variants(entry.name)
            return None
        variant = request.variant or entry.voice
        if variant is None:
            raise variant_missing("variant", entry.name)
        return variant

    def ready(self, model: KnownModel, request: InferRequest) -> InferRequest:
        """With the registry's default model if none is named, and the input as an instance of the adapter's model."""
        request = request.model_copy(update={"variant": request.variant or model.entry.voice})
        declared = model.adapter.input_model
        return request if declared is None else request.as_instance(_instance(declared, request))

    def encode(self, made: Any) -> tuple[bytes, Mapping[str, JSON]]:
        """The bytes, or JSON in UTF-8; their media type; and the output itself, if it is short JSON.

        Raises `ModelError` for what is neither, and names the place in it.
        """
        if isinstance(made, Data):
            data = _bytes_of(made)
            return data, {"media_type": made.media_type, **_kept(data, made.media_type)}
        try:
            text = text_of(made, "output", _as_json)
        except NotJson as exc:
            raise ModelError(str(exc)) from None
        data = text.encode()
        return data, {"media_type": JSON_TYPE, **_kept(data, JSON_TYPE)}

    def examples(self, adapter: AnyAdapter, offer: Offer) -> Examples:
        """The adapter's own; made of the first ones, such as its `input_model` forbids, and unusual ones."""
        good = list(getattr(adapter, "examples", ()))
        if adapter.input_model is None:
            return Examples(_inputs(good), _inputs(from_schema.ANYTHING), lacking=NO_EXAMPLES)
        schema = adapter.input_model.model_json_schema()
        varied = good[:VARIED]
        unusual = [one for given in varied for one in from_schema.unusual(schema, given)]
        forbidden = [one for given in varied for one in from_schema.forbidden(schema, given)]
        return Examples(_inputs(good), _inputs(unusual), _inputs(forbidden), NO_EXAMPLES)

    def seen(self, made: Any) -> JSON:
        """The output as JSON, with NaN where it has it; of bytes their media type and digest."""
        if isinstance(made, Data):
            data, _ = self.encode(made)
            return {"media_type": made.media_type, "sha256": hashlib.sha256(data).hexdigest()}
        try:
            return {"output": json.loads(json.dumps(made, default=_as_json))}
        except (TypeError, ValueError, RecursionError):
            self.encode(made)  # it says what is wrong, and where
            raise


def _inputs(values: Iterable[Any]) -> list[dict[str, Any]]:
    """Each once, as fields of a request."""
    return [{"input": value} for value in {repr(value): value for value in values}.values()]


def _instance(declared: type[BaseModel], request: InferRequest) -> BaseModel:
    """The input, checked; raises `InvalidInput` with one line that names the fields."""
    try:
        # As JSON, because then a strict model takes dates, enums and tuples; strict, because the schema at the edge is.
        return declared.model_validate_json(request.text(), strict=True)
    except ValidationError as exc:
        first: dict[str, str] = {}
        for fault in exc.errors(include_url=False):
            place = _place(fault, request.input)
            first.setdefault(place, f"{place}: {_words(fault)}")
        raise InvalidInput(listed(list(first.values()))) from exc


def _place(fault: ErrorDetails, value: Any) -> str:
    """The field, by the steps that are in the input; pydantic also names the alternatives of a union."""
    steps: list[Any] = []
    for step in fault["loc"]:
        with contextlib.suppress(LookupError, TypeError):
            value = value[step]
            steps.append(step)
    if fault["type"] == "missing":
        steps.append(fault["loc"][-1])
    return place_of("input", steps)


def _words(fault: ErrorDetails) -> str:
    match fault["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "there is no such field"
        case "value_error" | "assertion_error":
            said = fault["msg"].partition(", ")[2]
        case _:
            said = f"{fault['msg']} (got {shown(fault.get('input'))})"
    return " ".join(said.split())


def _bytes_of(made: Data) -> bytes:
    if not isinstance(made.data, (bytes, bytearray, memoryview)):
        raise ModelError(f"output: the data of {type(made).__name__} are bytes, not {type(made.data).__name__}")
    if not (isinstance(made.media_type, str) and _MEDIA_TYPE.fullmatch(made.media_type)):
        raise ModelError(f"output: {made.media_type!r:.80} is no media type; an example: image/png")
    return bytes(made.data)


def _kept(data: bytes, media_type: str) -> Mapping[str, JSON]:
    """The output itself, if it is short JSON; raises `ModelError` if the bytes are none, though their type says so."""
    if media_type != JSON_TYPE:
        return {}
    try:
        value = json.loads(data)
        text_of(value, "output")
    except NotJson as exc:
        raise ModelError(str(exc)) from None
    except (ValueError, RecursionError) as exc:
        raise ModelError(f"output: its bytes are not JSON, as {JSON_TYPE} says: {exc}") from None
    return {"output": value} if len(data) <= KEPT_BYTES else {}


def _as_json(value: Any) -> Any:
    """A pydantic model, or a scalar or an array of numpy or torch, as JSON's types; raises `TypeError` for others."""
    if callable(convert := getattr(value, "tolist", None)):
        return convert()
    return as_json(value)


CRAFT = InferCraft()
