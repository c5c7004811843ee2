"""What a published JSON schema refuses at the edge, in words that name the field; and which files an input names."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidInput
from tasks.messages.infer import schema
from tasks.messages.infer.schema import NamedFile

SCHEMA = {
    "type": "object",
    "properties": {
        "k": {"type": "integer", "minimum": 1},
        "maybe": {"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]},
        "kind": {"enum": ["a", "b", "c", "d", 5]},
        "code": {"type": "string", "pattern": "^a", "maxLength": 3},
        "shape": {
            "oneOf": [
                {"type": "object", "properties": {"side": {"type": "integer"}}, "required": ["side"]},
                {"type": "string"},
            ]
        },
        "image": {"$ref": "#/$defs/Image"},
        "others": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/Image"}, {"type": "null"}]}},
    },
    "required": ["k"],
    "additionalProperties": False,
    "$defs": {"Image": {"type": "string", "format": "slotline-file", "most_bytes": 5}},
}


def check(value: Any) -> None:
    schema.check(json.dumps(SCHEMA), "m", value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"k": 0}, "input.k: 0 is less than the minimum of 1"),
        ({"k": "x"}, 'input.k: is not of the type integer (got "x")'),
        ({"k": True}, "input.k: is not of the type integer (got true)"),
        ({"k": None}, "input.k: is not of the type integer (got null)"),
        ({}, "input.k: is missing"),
        ({"k": 1, "other": 2}, "input.other: there is no such field"),
        ({"k": 1, "maybe": "x"}, 'input.maybe: is not of the type integer or null (got "x")'),
        ({"k": 1, "maybe": 1}, "input.maybe: 1 is less than the minimum of 3"),
        ({"k": 1, "kind": "z"}, 'input.kind: "z" is none of "a", "b", "c", "d", 5'),
        ({"k": 1, "code": "ba"}, 'input.code: "ba" does not match "^a"'),
        ({"k": 1, "code": "a" * 5000}, f'input.code: "{"a" * 58}… is longer than 3 characters'),
        ({"k": 1, "shape": {}}, "input.shape.side: is missing"),
        ({"k": 1, "shape": {"side": "s"}}, 'input.shape.side: is not of the type integer (got "s")'),
        ({"k": 1, "shape": 3}, "input.shape: is not of the type object or string (got 3)"),
        ([], "input: is not of the type object (got [])"),
    ],
)
def test_the_first_fault_is_one_line_that_names_the_field(value: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(value)
    assert str(refused.value) == said


def test_what_fits_and_what_has_no_schema_passes() -> None:
    check({"k": 1, "maybe": None, "image": "file/ab/c.bin"})
    schema.check("", "m", {"anything": 1})


@pytest.mark.parametrize("broken", ['{"type": "nonsense"}', "no JSON", '{"$ref": "http://127.0.0.1:9/other"}'])
def test_a_schema_that_cannot_be_compiled_checks_nothing_and_is_logged_once(
    broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    schema._compiled.cache_clear()
    with caplog.at_level(logging.WARNING):
        schema.check(broken, "m", 1)
        schema.check(broken, "m", 2)
    said = "the input of m is not checked here, but in its slots: its schema cannot be compiled: "
    assert [one.getMessage()[: len(said)] for one in caplog.records] == [said]


def test_the_files_of_an_input_are_found_wherever_they_are() -> None:
    value = {"k": 1, "image": "file/a.bin", "others": ["file/b.bin", None]}
    assert schema.files_named(json.dumps(SCHEMA), "m", value) == [
        NamedFile("input.image", "file/a.bin", 5),
        NamedFile("input.others.0", "file/b.bin", 5),
    ]
    assert schema.files_named(json.dumps(SCHEMA), "m", {"k": 1}) == []
    assert schema.files_named('{"type": "string"}', "m", "file/a.bin") == []
    whole = '{"type": "string", "format": "slotline-file"}'
    assert schema.files_named(whole, "m", "file/a.bin") == [NamedFile("input", "file/a.bin", None)]


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from([*SCHEMA["properties"], "x\n"]), inner)  # type: ignore[misc]
    ),
    max_leaves=12,
)


def refusal(value: Any) -> str:
    try:
        check(value)
    except InvalidInput as exc:
        return str(exc)
    return ""


@given(values)
def test_whatever_json_is_given_passes_or_is_refused_in_one_short_line(value: Any) -> None:
    if said := refusal(value):
        assert said.startswith("input")
        assert len(said.splitlines()) == 1
        assert len(said) < 600
    else:
        schema.files_named(json.dumps(SCHEMA), "m", value)
