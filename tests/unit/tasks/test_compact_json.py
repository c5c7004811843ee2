"""JSON as it goes to Redis: small, and readable in every language."""

from __future__ import annotations

import json

import pytest

from tasks.compact_json import dumps


def test_there_is_no_space_and_no_escape() -> None:
    assert dumps({"title": "Chí Phèo", "parts": [1, 2]}) == '{"title":"Chí Phèo","parts":[1,2]}'


def test_it_reads_back_as_it_was() -> None:
    value = {"a": [1.5, None, True, '"\n\\'], "ế": {}}
    assert json.loads(dumps(value)) == value


def test_what_json_cannot_hold_is_an_error() -> None:
    with pytest.raises(TypeError):
        dumps({1, 2})


def test_half_a_surrogate_pair_is_an_escape_because_redis_takes_bytes() -> None:
    assert json.loads(dumps({"id": "\ud800"}).encode()) == {"id": "\ud800"}
