"""What is JSON and what is not, and where in a value the first fault is."""

from __future__ import annotations

import enum
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.messages.infer.json_value import MOST_DEPTH, NotJson, place_of, plain, plain_with_size, text_of


class Colour(enum.StrEnum):
    RED = "red"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, "", "Xin chào 😀", [], {}, [1, [2, {"a": None}]], 2**70, nested(MOST_DEPTH)]
)
def test_a_json_value_stays_as_it_is(value: Any) -> None:
    found, size = plain_with_size(value, "input")
    assert (found, type(found)) == (value, type(value))
    assert json.loads(text_of(value, "input")) == value
    assert size == len(text_of(value, "input").encode())


def test_what_python_writes_as_json_becomes_what_reading_it_gives() -> None:
    value = {"a": (1, 2), "b": np.float64(0.5), "c": Colour.RED}
    found, _ = plain_with_size(value, "input")
    assert found == {"a": [1, 2], "b": 0.5, "c": "red"}
    assert [type(one) for one in found.values()] == [list, float, str]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"scores": [1, 2, 3, float("nan")]}, "input.scores.3: NaN is not JSON"),
        (float("inf"), "input: Infinity is not JSON"),
        ([-float("inf")], "input.0: -Infinity is not JSON"),
        ({"a": {1: 2}}, "input.a: the key 1 is no text"),
        ({"a": {None: 2}}, "input.a: the key None is no text"),
        ({"a": b"x"}, "input.a: a value of the type bytes is not JSON"),
        ([{1, 2}], "input.0: a value of the type set is not JSON"),
        (np.zeros(1), "input: a value of the type numpy.ndarray is not JSON"),
        ({"a": "\ud800"}, "input.a: half of a surrogate pair is no character"),
        ({"\ud800": 1}, r"input.'\ud800': half of a surrogate pair is no character"),
        (nested(MOST_DEPTH + 1), "input: has more than 64 lists and objects inside each other"),
        (nested(100_000), "input: has more than 64 lists and objects inside each other"),
        ([10**5000], "input: is not JSON"),
    ],
)
def test_the_first_fault_is_named_with_its_place(value: Any, said: str) -> None:
    for read in (plain_with_size, text_of):
        with pytest.raises(NotJson) as refused:
            read(value, "input")
        assert str(refused.value) == said


def test_a_list_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(NotJson, match="inside each other"):
        plain(value, "input")


def test_other_types_are_turned_into_json_once() -> None:
    def listed(value: Any) -> Any:
        if isinstance(value, set):
            return sorted(value)
        raise TypeError

    assert text_of({"a": {2, 1}}, "output", listed) == '{"a":[1,2]}'
    with pytest.raises(NotJson, match=r"^output.a: a value of the type object is not JSON$"):
        text_of({"a": object()}, "output", listed)
    with pytest.raises(NotJson, match=r"^output.a.0: NaN is not JSON$"):
        text_of({"a": {float("nan")}}, "output", listed)
    with pytest.raises(NotJson, match=r"^output: a value of the type object is not JSON$"):
        text_of(object(), "output", lambda value: value)


def test_a_place_is_one_short_line_whatever_the_keys_are() -> None:
    assert place_of("input", []) == "input"
    assert place_of("input", ["a", 3, "b c", "x\ny", "", "k" * 50]) == ("input.a.3.'b c'.'x\\ny'.''." + "k" * 39 + "…")


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=2)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner),
    max_leaves=12,
)


def refusal(value: Any) -> str:
    try:
        plain_with_size(value, "input")
    except NotJson as exc:
        return str(exc)
    return ""


@given(anything)
def test_whatever_is_given_becomes_json_that_reads_as_itself_or_is_refused_in_one_line(value: Any) -> None:
    if said := refusal(value):
        assert said.startswith("input")
        assert said.isprintable()
        return
    found, size = plain_with_size(value, "input")
    text = text_of(value, "input")
    assert json.loads(text) == found
    assert size == len(text.encode())
    assert plain(found, "input") == found
