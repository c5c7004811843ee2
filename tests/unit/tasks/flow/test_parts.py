"""What a craft's parts ask for: fields of their own, or what their job shares with all of them."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tasks.flow.parts import parts_of
from tasks.flow.payloads import input_payload
from tasks.messages import ParagraphRequest
from tasks.messages.lookup import crafts

SHARED = {"model": "m", "voice": "vi", "speed": 1.5, "pause_s": 0.6}


@pytest.mark.parametrize("craft", crafts())
def test_each_craft_of_slotline_has_parts(craft: str) -> None:
    assert parts_of(craft).craft.name == craft
    assert parts_of(craft) is parts_of(craft)


def test_a_craft_without_parts_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidInput, match="^craft: no kind of work that is installed here has parts of 'film'$"):
        parts_of("film")


def test_a_part_of_the_crafts_own_job_has_the_jobs_fields_and_its_own_text() -> None:
    asked = parts_of("speech").request("PXin chào.", SHARED)
    assert asked == ParagraphRequest(model="m", text="Xin chào.", voice="vi", speed=1.5)


def test_an_input_of_a_job_of_many_has_its_own_fields_alone() -> None:
    own = {"model": "m", "text": "Xin chào.", "speed": 2.0, "voice": None}
    asked = parts_of("speech").request(input_payload("Xin", own), SHARED)
    assert asked == ParagraphRequest(model="m", text="Xin chào.", speed=2.0)


def test_what_was_checked_when_the_job_came_in_is_not_checked_again() -> None:
    asked = parts_of("speech").request("P", {**SHARED, "speed": 9.0})
    assert isinstance(asked, ParagraphRequest)
    assert (asked.text, asked.speed) == ("", 9.0)
