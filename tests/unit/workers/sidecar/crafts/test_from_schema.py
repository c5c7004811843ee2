"""Inputs that are made of a good one and its schema."""

from __future__ import annotations

import json
import math
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from workers.adapters.inference import File, Input
from workers.sidecar.crafts.from_schema import forbidden, unusual


class Box(Input):
    """Where."""

    x: int = Field(ge=0, lt=100)


class Picture(Input):
    """All that a schema may have."""

    file: Annotated[str, File(100)]
    kind: Literal["a", "b"] = "a"
    name: str | None = Field(None, max_length=5)
    boxes: list[Box] = Field(min_length=1, max_length=3)
    share: float = 0.5


GOOD = {"file": b"123", "kind": "a", "name": "x", "boxes": [{"x": 1}], "share": 0.1}
SCHEMA = Picture.model_json_schema()


def plain(value: object) -> str:
    """The input as JSON; a file as a name, whose length is checked where it is read."""
    return json.dumps(value, default=lambda data: "file/00/00.bin" if len(data) <= 100 else ["too long"])


def test_every_forbidden_input_is_refused_by_the_model() -> None:
    found = list(forbidden(SCHEMA, GOOD))
    assert len(found) > 15
    for one in found:
        if isinstance(one, dict) and one.get("file") == f"file/00/{'0' * 64}.bin":
            continue  # only who reads it knows that it is not there
        with pytest.raises(ValidationError):
            Picture.model_validate_json(plain(one), strict=True)
    assert {**GOOD, "boxes": [{"x": -1}]} in found
    shares = [one["share"] for one in found if isinstance(one, dict) and "share" in one]
    assert [one for one in shares if isinstance(one, float) and math.isnan(one)]


def test_every_unusual_input_passes_the_model() -> None:
    found = list(unusual(SCHEMA, GOOD))
    assert len(found) > 8
    for one in found:
        Picture.model_validate_json(plain(one), strict=True)
    assert {**GOOD, "name": None} in found
    assert {**GOOD, "file": b""} in found


def test_a_value_without_fields_and_one_of_any_type_are_tried_too() -> None:
    numbers = RootModel[list[Annotated[float, Field(le=1)]]].model_json_schema()
    found = list(forbidden(numbers, [0.5]))
    assert {"wrong": "type"} in found
    assert [1.5] in found
    assert list(forbidden({}, "anything")) == []


def test_a_model_that_takes_further_fields_is_not_tried_with_one() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        a: int = 0

    assert not [one for one in forbidden(Open.model_json_schema(), {"a": 1}) if "no_such_field" in one]
