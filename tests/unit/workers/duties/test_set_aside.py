"""What is wrong with a message before Celery has taken it apart."""

from __future__ import annotations

import re
from typing import Any

import pytest

from workers.duties.set_aside import fault_of, is_deep


def nested(depth: int, kind: type) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize("kind", [list, dict])
def test_what_is_nested_as_deep_as_allowed_passes_and_one_level_more_does_not(kind: type) -> None:
    assert not is_deep(nested(5, kind), deepest=5)
    assert is_deep(nested(6, kind), deepest=5)


@pytest.mark.parametrize("value", [None, "text", 5, [], {}, [[], {}], ["text"] * 1000])
def test_what_is_flat_is_not_deep_however_wide(value: object) -> None:
    assert not is_deep(value, deepest=2)


def test_a_message_nested_far_beyond_pythons_own_recursion_is_told_without_recursion() -> None:
    assert is_deep(nested(100_000, list))


SIGNATURE = {"task": "speech.paragraph", "args": [], "kwargs": {}, "options": {}}


@pytest.mark.parametrize(
    "payload",
    [
        [[], {"text": "a"}, {}],
        [[], {}, None],
        [[], {}, {"callbacks": None, "errbacks": [], "chain": [SIGNATURE], "chord": SIGNATURE}],
        {"task": "speech.chapter", "args": [], "kwargs": {}},
    ],
)
def test_celerys_own_bodies_have_no_fault(payload: object) -> None:
    assert fault_of({"task": "speech.chapter", "id": "1"}, payload) is None


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("text", r"not \[args, kwargs, embed\]"),
        ({"a": 1, "b": 2, "c": 3}, r"not \[args, kwargs, embed\]"),
        ({"task": "speech.chapter", "args": 5}, r"not \[list, object, object\]"),
        ([[], {}], r"not \[args, kwargs, embed\]"),
        ([{}, {}, {}], r"not \[list, object, object\]"),
        ([[], {}, [5]], r"not \[list, object, object\]"),
        ([[], {}, {"callbacks": [5]}], "callbacks is no signature"),
        ([[], {}, {"chord": "x"}], "chord is no signature"),
        ([[], {"text": nested(70, list)}, {}], "nested deeper than 64 levels"),
    ],
)
def test_a_body_that_celery_would_stumble_over_is_named(payload: object, words: str) -> None:
    assert re.search(words, fault_of({"id": "1"}, payload) or "")


def test_only_a_task_that_takes_the_result_of_another_one_has_a_positional_argument_and_only_one() -> None:
    one, two = [[{"audio": None}], {}, {}], [[1, 2], {}, {}]
    assert fault_of({"task": "lipsync.video", "id": "1"}, one) is None
    several = "args: give keyword arguments, and no more than one result of a task before"
    assert fault_of({"task": "lipsync.video", "id": "1"}, two) == several
    assert fault_of({"task": "speech.chapter", "id": "1"}, one) == "args: give keyword arguments only"
    assert fault_of({"task": "anothers.task", "id": "1"}, two) is None


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"root_id": []}, "headers.root_id: is list"),
        ({"id": 5}, "headers.id: is int, and must be text"),
        ({"id": ""}, "headers.id: is empty"),
        ({"id": "x" * 600}, "headers.id: has 600 bytes; it may have 512"),
        ({"root_id": "\ud800"}, "headers.root_id: has half of a surrogate pair"),
        ({"timelimit": [None, "soon"]}, "headers.timelimit: not two numbers of seconds"),
        ({"timelimit": [1]}, "headers.timelimit: not two numbers of seconds"),
        ({"timelimit": [-1, None]}, "headers.timelimit: not two numbers of seconds"),
        ({"timelimit": [float("nan"), None]}, "headers.timelimit: not two numbers of seconds"),
        ({"retries": {}}, "headers.retries: is dict"),
        ({"stamped_headers": [5]}, "headers.stamped_headers: not names"),
        ({"eta": "soon"}, "headers.eta: 'soon' is no time such as 2026-01-31T12:00:00+07:00"),
        ({"errbacks": {"no": "task"}}, "headers.errbacks is no signature"),
    ],
)
def test_a_header_that_is_not_what_celery_takes_it_for_is_named(headers: dict[str, object], words: str) -> None:
    assert fault_of({"task": "speech.chapter", "id": "1", **headers}, [[], {}, {}]) == words
