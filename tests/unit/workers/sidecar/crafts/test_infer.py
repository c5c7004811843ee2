"""Any model in a slot: an input as the adapter gets it, and an output as a file."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, RootModel, field_validator

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, ModelError
from tasks.messages import InferRequest
from workers.adapters.inference import Data, Input
from workers.sidecar.crafts.infer import CRAFT, KEPT_BYTES


class Asked(Input):
    k: int = 3
    day: datetime.date | None = None
    sizes: tuple[int, int] = (1, 2)
    either: int | str | None = None

    @field_validator("k")
    @classmethod
    def _is_odd(cls, k: int) -> int:
        if k % 2 == 0:
            raise ValueError("k must be\nodd")
        return k


class Lax(BaseModel):
    n: int


class Numbers(RootModel[list[int]]):
    pass


def request(value: Any, **fields: Any) -> InferRequest:
    return InferRequest.parse({"model": "m", "input": value, **fields})


def known(declared: Any, **fields: Any) -> Any:
    entry = ModelEntry(name="m", adapter="mine", **fields)
    return SimpleNamespace(entry=entry, adapter=SimpleNamespace(input_model=declared))


def test_the_input_is_an_instance_of_the_adapters_model_with_its_defaults() -> None:
    made = CRAFT.ready(known(Asked), request({"day": "2026-01-31", "sizes": [4, 5]}))
    assert made.input == Asked(day=datetime.date(2026, 1, 31), sizes=(4, 5))
    assert made.ingredients()["input"] == {"k": 3, "day": "2026-01-31", "sizes": [4, 5], "either": None}
    assert CRAFT.ready(known(Numbers), request([1, 2])).input == Numbers([1, 2])
    assert CRAFT.ready(known(None), request({"free": None})).input == {"free": None}


@pytest.mark.parametrize(
    ("declared", "value", "said"),
    [
        (Asked, {"k": 2}, "input.k: k must be odd"),
        (Asked, {"k": "3"}, "input.k: Input should be a valid integer (got '3')"),
        (Asked, {"other": 1}, "input.other: there is no such field"),
        (Asked, {"sizes": [1, "x"]}, "input.sizes.1: Input should be a valid integer (got 'x')"),
        (Asked, {"either": []}, "input.either: Input should be a valid integer (got [])"),
        (Asked, {"k": 2, "day": "x"}, "input.k: k must be odd; input.day: Input should be a valid date"),
        (Asked, 5, "input: Input should be an object (got 5)"),
        (Lax, {"n": "3"}, "input.n: Input should be a valid integer (got '3')"),
        (Lax, {}, "input.n: is missing"),
        (Numbers, [1, None], "input.1: Input should be a valid integer (got None)"),
    ],
)
def test_what_the_adapters_model_refuses_is_one_line_that_names_the_fields(
    declared: Any, value: Any, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        CRAFT.ready(known(declared), request(value))
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_the_variant_is_the_requests_or_the_tables() -> None:
    many = ModelEntry(name="m", adapter="mine", path="/m/{id}")
    assert CRAFT.variant(many, request(1, variant="a")) == "a"
    assert CRAFT.variant(many.model_copy(update={"voice": "b"}), request(1)) == "b"
    assert CRAFT.ready(known(None, path="/m/{id}", voice="b"), request(1)).variant == "b"
    assert CRAFT.variant(ModelEntry(name="m", adapter="mine"), request(1)) is None
    with pytest.raises(InvalidInput, match="^variant: missing; 'm' has a model for each variant"):
        CRAFT.variant(many, request(1))
    with pytest.raises(InvalidInput, match="^variant: 'm' is one model, and has no variants$"):
        CRAFT.variant(ModelEntry(name="m", adapter="mine"), request(1, variant="a"))


def test_json_is_written_in_utf_8_in_the_order_of_its_keys_and_kept_if_it_is_short() -> None:
    made = {"b": np.float32(0.5), "a": np.arange(2), "lax": Lax(n=1), "nothing": None, "chữ": (1,)}
    data, details = CRAFT.encode(made)
    assert data.decode() == '{"b":0.5,"a":[0,1],"lax":{"n":1},"nothing":null,"chữ":[1]}'
    kept = {"b": 0.5, "a": [0, 1], "lax": {"n": 1}, "nothing": None, "chữ": [1]}
    assert details == {"media_type": "application/json", "output": kept}
    assert CRAFT.encode(None) == (b"null", {"media_type": "application/json", "output": None})
    assert CRAFT.encode("x" * KEPT_BYTES)[1] == {"media_type": "application/json"}


def test_bytes_have_their_media_type() -> None:
    assert CRAFT.encode(Data(b"\x89PNG", "image/png")) == (b"\x89PNG", {"media_type": "image/png"})
    text = Data(bytearray(b"a"), "text/plain; charset=utf-8")  # type: ignore[arg-type]
    assert CRAFT.encode(text) == (b"a", {"media_type": "text/plain; charset=utf-8"})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"scores": [0.5, float("nan")]}, "output.scores.1: NaN is not JSON"),
        ({"scores": np.array([0.5, np.inf])}, "output.scores.1: Infinity is not JSON"),
        ({3: "x"}, "output: the key 3 is no text"),
        ({"x": {1}}, "output.x: a value of the type set is not JSON"),
        (b"raw", "output: a value of the type bytes is not JSON"),
        (Data("text", "text/plain"), "output: the data of Data are bytes, not str"),  # type: ignore[arg-type]
        (Data(b"x", "picture"), "output: 'picture' is no media type; an example: image/png"),
        (Data(b"x", "application/json"), "output: its bytes are not JSON, as application/json says: "),
        (Data(b"\xff", "application/json"), "output: its bytes are not JSON, as application/json says: "),
        (Data(b"[1, NaN]", "application/json"), "output.1: NaN is not JSON"),
        (Data(b"x", "a/b\r\nc: d"), r"output: 'a/b\r\nc: d' is no media type"),
    ],
)
def test_what_is_no_output_is_the_models_error_and_names_the_place(made: Any, said: str) -> None:
    with pytest.raises(ModelError) as refused:
        CRAFT.encode(made)
    assert str(refused.value).startswith(said)
