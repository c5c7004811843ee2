"""Payloads and messages of parts: what they say, and what a person can read of them."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import InvalidInput
from tasks.flow.payloads import fields_of_payload, input_fields, input_payload, part_of, payload_of_fields, words_of

FIELDS = {"text": "Trăm năm\ntrong cõi " * 20, "voice": "vi", "speed": 1.5}


def test_an_input_keeps_its_own_fields_and_shows_its_words() -> None:
    payload = input_payload(str(FIELDS["text"]), FIELDS)
    assert payload.startswith("ITrăm năm trong cõi Trăm năm trong cõi Trăm năm t\n{")
    assert input_fields(payload) == FIELDS
    assert input_fields("Pa paragraph") is None


def test_a_job_that_is_a_part_keeps_its_fields_behind_a_title_of_one_line() -> None:
    payload = payload_of_fields("C", " A title\n of two lines ", {"title": "A", "speed": 1.0})
    assert payload == 'CA title of two lines\n{"title":"A","speed":1.0}'
    assert fields_of_payload(payload) == {"title": "A", "speed": 1.0}


@pytest.mark.parametrize(
    ("payload", "words"),
    [("PHello there.", "Hello there."), ("CTitle\n{}", "Title"), ("P" + "x" * 50, "x" * 39 + "…"), (" ", "")],
)
def test_the_first_line_of_a_payload_is_for_a_person(payload: str, words: str) -> None:
    assert words_of(payload) == words


@pytest.mark.parametrize(
    "fields",
    [
        {"job": "j"},
        {"part": 1},
        {"job": "j", "part": "x"},
        {"job": "j", "part": 0},
        {"job": "j", "part": -1},
        {"job": 7, "part": 1},
        {"job": "\ud800", "part": 1},
        {"job": "x:sent", "part": 1},
    ],
)
def test_a_message_that_names_half_a_part_or_none_that_exists_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        part_of(fields)


def test_a_message_names_its_part_or_stands_alone() -> None:
    assert part_of({"job": "j", "part": 3}) == ("j", 3)
    assert part_of({"text": "Hello."}) is None
