"""Which voice a model has, and which of them speaks a language."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, UnknownVoice
from tasks.messages.voices import check_voice, voice_for_language
from tasks.offers import Published

OFFER = Published("m", "espeak", "1", 22_050, {"vi": "vi", "en-gb": "en-gb", "anna": "en-us"}, "vi", craft="speech")


@pytest.mark.parametrize("voice", ["vi", "EN-GB", None])
def test_a_voice_that_is_offered_passes_in_any_case_of_letters(voice: str | None) -> None:
    check_voice(None, OFFER, voice)


def test_a_voice_that_is_not_offered_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownVoice, match=r"^voice: m has no voice 'ann'; it has anna"):
        check_voice(None, OFFER, "ann")


@pytest.mark.parametrize("voice", ["anna+en-gb", "Anna(2) + vi(1)", "anna,vi", "anna(0.5)"])
def test_a_blend_of_offered_voices_passes(voice: str) -> None:
    check_voice(None, OFFER, voice)


@pytest.mark.parametrize(
    ("voice", "named"), [("anna+bella", "bella"), ("anna(two)+vi", "anna(two)+vi"), ("anna++vi", "anna++vi")]
)
def test_of_a_blend_the_voice_that_is_not_offered_is_named(voice: str, named: str) -> None:
    with pytest.raises(UnknownVoice, match=f"^voice: m has no voice {re.escape(repr(named))}; it has"):
        check_voice(None, OFFER, voice)


def test_models_of_a_registry_are_not_blended() -> None:
    with pytest.raises(UnknownVoice):
        check_voice(None, dataclasses.replace(OFFER, is_registry=True), "anna+vi")


def test_without_an_offer_or_names_in_it_any_voice_passes() -> None:
    check_voice(None, None, "whose")
    check_voice(None, Published("m", "viettts", "1", 22_050), "whose")


@pytest.mark.parametrize("is_published", [True, False])
def test_where_each_voice_is_a_model_one_has_to_be_named(is_published: bool) -> None:
    entry = ModelEntry(name="m", adapter="rehearsal", path="voices/{id}")
    offer = Published("m", "rehearsal", "", None, {"anna": "und"}, is_registry=True)
    with pytest.raises(InvalidInput, match="^voice: missing; 'm' has a model for each voice"):
        check_voice(None if is_published else entry, offer if is_published else None, None)


@pytest.mark.parametrize(
    ("language", "voice"),
    [("vi", "vi"), ("en-GB", "en-gb"), ("en", "anna"), ("en-us", "anna"), ("fr", None), (None, None)],
)
def test_a_language_is_spoken_by_the_voice_of_that_tag_or_of_its_base(language: str | None, voice: str | None) -> None:
    assert voice_for_language(OFFER, language) == voice
