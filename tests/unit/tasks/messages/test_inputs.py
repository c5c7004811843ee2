"""Many inputs before they are parts: their fields, and the first wrong one by its number."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import InvalidInput, UnknownVoice
from tasks.messages import ParagraphRequest
from tasks.messages.inputs import checked_inputs, fields_of
from tasks.messages.speech import SPEECH
from tasks.offers import Published

OFFER = Published("m", "espeak", "1", 22_050, {"vi": "vi"}, craft="speech")


def test_a_text_alone_is_its_text_and_an_inputs_own_field_counts_for_more_than_a_shared_one() -> None:
    given = ["One.", {"text": "Two.", "voice": "en"}]
    assert fields_of("texts", given, {"voice": "vi"}) == [
        {"text": "One.", "voice": "vi"},
        {"text": "Two.", "voice": "en"},
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("One.", "texts: is one text; give a list of them"),
        ({"text": "One."}, "texts: is one mapping; give a list of them"),
        (["One.", 2], "input 2: is neither a text nor a mapping of fields, but int"),
    ],
)
def test_what_is_no_list_of_inputs_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{said}$"):
        fields_of("texts", given, {})


def test_each_input_is_the_request_of_its_craft() -> None:
    assert checked_inputs("m", SPEECH, [{"text": "One."}], None, OFFER) == [ParagraphRequest(model="m", text="One.")]


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"text": ""}, InvalidInput, "input 2: text: is empty"),
        ({"text": "a", "voice": "fr"}, UnknownVoice, "input 2: voice: m has no voice 'fr'"),
        ({"text": "a", "max_length": 3}, InvalidInput, "input 2: max_length: there is no such field"),
        ({"text": "a", "timeout_s": 3.0}, InvalidInput, "input 2: timeout_s: is for the whole job"),
    ],
)
def test_the_first_wrong_input_is_named_by_its_number(
    wrong: dict[str, Any], error: type[InvalidInput], said: str
) -> None:
    with pytest.raises(error, match=f"^{said}"):
        checked_inputs("m", SPEECH, [{"text": "One."}, wrong], None, OFFER)
