"""How a request's voice is found among a model's, and what is said of one that is not there."""

from __future__ import annotations

import pytest

from tasks.errors import UnknownVoice
from workers.adapters.voice_names import named

VOICES = dict.fromkeys(("Quynh", "quynh", "nguyen", "son-tung", "cdteam", "diep", "atuan"))


@pytest.mark.parametrize(("wanted", "meant"), [("quynh", "quynh"), ("Quynh", "Quynh"), ("NGUYEN", "nguyen")])
def test_a_voice_goes_by_its_name_exactly_or_else_in_any_case(wanted: str, meant: str) -> None:
    assert named(VOICES, wanted, "VietTTS") == meant


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nguyenn", "VietTTS has no voice 'nguyenn'; it has nguyen (7 in all)"),
        ("zzz", "VietTTS has no voice 'zzz'; it has Quynh, quynh, nguyen, son-tung, cdteam (7 in all)"),
    ],
)
def test_a_voice_that_is_not_there_names_the_nearest_or_the_first(wanted: str, said: str) -> None:
    with pytest.raises(UnknownVoice) as caught:
        named(VOICES, wanted, "VietTTS")
    assert str(caught.value) == f"voice: {said}"


def test_where_all_voices_are_shown_they_are_not_counted() -> None:
    with pytest.raises(UnknownVoice, match=r"it has quynh$"):
        named({"quynh": None}, "quyn", "VietTTS")
