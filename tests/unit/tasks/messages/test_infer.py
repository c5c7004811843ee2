"""An input for any model: what is taken, what is refused in one line, and its result."""

from __future__ import annotations

import datetime
import json
import pickle
from typing import Any

import pytest
from pydantic import BaseModel, Field

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput
from tasks.messages import InferRequest, InferResult, StoredFile
from tasks.messages.infer import MOST_INPUT_BYTES, extension_of
from tasks.messages.infer.schema import NamedFile
from tasks.messages.lookup import result_of
from tasks.offers import Published

OFFER = Published("m", "mine", "1", 0, craft="infer")


def asked(value: Any, **fields: Any) -> InferRequest:
    return InferRequest.parse({"model": "m", "input": value, **fields})


@pytest.mark.parametrize("value", [None, False, 0, "text", [1, None], {"a": {"b": None}}])
def test_any_json_value_is_an_input_and_crosses_as_it_is(value: Any) -> None:
    request = asked(value)
    assert request.fields() == {"model": "m", "input": value}
    assert InferRequest.parse(request.fields()) == InferRequest.trusted(request.fields()) == request
    assert request.ingredients() == {"input": value, "variant": None}
    assert InferRequest.fields_of_input(value) == {"input": value}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "input: is missing"),
        ({"input": {"scores": [0.5, float("nan")]}}, "input.scores.1: NaN is not JSON"),
        ({"input": 1, "voice": "vi"}, "voice: there is no such field; there are: model, timeout_s, input, variant"),
        ({"input": 1, "variant": ""}, "variant: String should have at least 1 character (got '')"),
        (
            {"input": "ư" * (MOST_INPUT_BYTES // 2)},
            "input: 256 KB of JSON; at most 256 KB: give large data as a file (Client.put)",
        ),
        (
            {"input": ["x" * 3_250_000]},
            "input: 3.1 MB of JSON; at most 256 KB: give large data as a file (Client.put)",
        ),
    ],
)
def test_what_is_no_input_is_refused_in_one_line(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        InferRequest.parse({"model": "m", **fields})
    assert str(refused.value) == said


def test_an_input_of_the_largest_size_is_taken() -> None:
    assert asked("x" * (MOST_INPUT_BYTES - 2)).input_size() == MOST_INPUT_BYTES


def test_a_slots_input_may_be_an_instance_of_the_adapters_own_model() -> None:
    class Own(BaseModel):
        k: int = 3
        note: str | None = None

    request = asked({}).as_instance(Own())
    assert request.ingredients() == {"input": {"k": 3, "note": None}, "variant": None}
    assert request.words() == '{"k":3,"note":null}'
    assert request.manner() == asked({}).manner()


class Hiding(BaseModel):
    shown: int = 1
    hidden: int = Field(2, exclude=True)
    day: datetime.date | None = None
    alias: int = Field(0, alias="other")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, {"shown": 1, "day": None, "alias": 0}),
        ({"shown": 1}, {"shown": 1, "day": None, "alias": 0}),
        ({"hidden": 3}, {"hidden": 3}),
        ({"day": "2026-01-31"}, {"shown": 1, "day": "2026-01-31", "alias": 0}),
        ({"day": "2026-01-31T00:00:00"}, {"day": "2026-01-31T00:00:00"}),
        ({"other": 0}, {"other": 0}),
    ],
)
def test_an_artifacts_name_has_the_defaults_and_never_less_than_was_given(given: Any, named: Any) -> None:
    request = asked(given)
    made = request.as_instance(Hiding.model_validate(given))
    assert made.ingredients()["input"] == named
    assert pickle.loads(pickle.dumps(made)).ingredients() == made.ingredients()


def test_a_model_of_another_craft_and_a_variant_that_is_none_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^model: 'm' does not serve infer \(its adapter is espeak\)$"):
        asked(1).check(None, Published("m", "espeak", "1", 22_050, craft="speech"))
    with pytest.raises(InvalidInput, match=r"^variant: 'm' is one model, and has no variants$"):
        asked(1, variant="a").check(None, OFFER)
    with pytest.raises(InvalidInput, match=r"^variant: 'm' is one model, and has no variants$"):
        asked(1, variant="a").check(ModelEntry(name="m", adapter="mine"), None)
    many = Published("m", "mine", "1", None, {"a": "und", "b": "und"}, craft="infer", is_registry=True)
    asked(1, variant="a").check(None, many)
    with pytest.raises(InvalidInput, match=r"^variant: m has no variant 'c'; it has a, b$"):
        asked(1, variant="c").check(None, many)
    with pytest.raises(InvalidInput, match=r"^variant: missing; 'm' has a model for each variant"):
        asked(1).check(None, many)
    asked(1, variant="c").check(ModelEntry(name="m", adapter="mine", path="/m/{id}"), None)


def test_the_published_schema_is_checked() -> None:
    offer = Published("m", "mine", "1", 0, craft="infer", input_schema='{"type": "integer", "minimum": 1}')
    asked(1).check(None, offer)
    with pytest.raises(InvalidInput, match=r"^input: 0 is less than the minimum of 1$"):
        asked(0).check(None, offer)


def test_a_result_says_what_it_is_and_null_is_an_output_too() -> None:
    about = {"artifact": "infer/ab/c.bin", "bytes": 12_600, "computed": True}
    picture = InferResult.parse({**about, "media_type": "image/png"})
    assert picture.words() == "12.3 KB of image/png"
    assert [one.content for one in picture.files(str) if one] == [StoredFile("infer/ab/c.bin", "png")]
    null = InferResult.parse({**about, "media_type": "application/json", "is_inline": True, "output": None})
    assert null.words() == "an answer"
    assert result_of(null.fields()) == null
    assert (null.is_inline, picture.is_inline) == (True, False)


@pytest.mark.parametrize(
    ("media_type", "extension"),
    [
        ("application/json", "json"),
        ("image/jpeg", "jpg"),
        ("text/plain; charset=utf-8", "txt"),
        ("audio/x-wav", "wav"),
        ("application/octet-stream", "bin"),
        ("application/x-no-such-type", "bin"),
    ],
)
def test_a_file_has_the_extension_of_its_media_type(media_type: str, extension: str) -> None:
    assert extension_of(media_type) == extension


def test_the_files_of_an_input_are_those_that_the_published_schema_names() -> None:
    image = {"type": "string", "format": "slotline-file", "most_bytes": 9}
    schema = json.dumps({"type": "object", "properties": {"image": image}})
    request = InferRequest.parse({"model": "m", "input": {"image": "file/ab/ab.bin", "n": "file/cd/cd.bin"}})
    offer = Published("m", "own", "1", 0, craft="infer", input_schema=schema)
    assert request.files(offer) == [NamedFile("input.image", "file/ab/ab.bin", 9)]
    assert not request.files(Published("m", "own", "1", 0, craft="infer"))
    assert not request.files(None)
