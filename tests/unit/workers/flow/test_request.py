"""A flow worker's request: the part that its job is, and Celery's callbacks."""

from __future__ import annotations

from typing import Any

from workers.flow.request import FlowRequest
from workers.wire.call import Call


def request(kwargs: Any, heard: list[Any]) -> FlowRequest:
    return FlowRequest(Call("task", "id", {}, [[], kwargs, {}], "", ""), "chapter", heard.append, heard.append)


def test_a_chapter_of_a_book_names_its_part_and_what_cannot_be_read_names_none() -> None:
    assert request({"job": "book", "part": 2}, []).parent == ("book", 2)
    assert request({"text": "alone"}, []).parent is None
    assert request({"job": "book", "part": "two"}, []).parent is None


def test_celery_gets_a_result_or_an_error_as_a_pool_hands_it_over() -> None:
    heard: list[Any] = []
    request({}, heard).succeed({"made": 1})
    request({}, heard).fail(ValueError("no"))
    assert heard[0] == (0, {"made": 1}, 0.0)
    assert str(heard[1].exception.exc) == "no"
