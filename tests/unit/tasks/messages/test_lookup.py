"""Crafts and results are found by their words; the hint of a craft agrees with what the adapters say themselves."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, SlotlineError
from tasks.messages import Audio, ChapterResult, ParagraphResult
from tasks.messages.lookup import check_craft, craft_named, craft_of, crafts, known_craft, result_of
from tasks.messages.speech import SPEECH
from tasks.messages.summary import SUMMARY
from tasks.offers import Published
from workers.adapters import adapter_of, built_in, find


def entry(adapter: str, **options: Any) -> ModelEntry:
    return ModelEntry(name="m", adapter=adapter, path="/models/m", options=options)


@pytest.mark.parametrize("options", [{}, {"gives": "text"}, {"gives": "sound"}], ids=str)
@pytest.mark.parametrize("name", built_in())
def test_what_a_table_is_known_to_make_is_what_its_adapter_says(name: str, options: dict[str, Any]) -> None:
    is_fixed = isinstance(inspect.getattr_static(find(name), "craft"), str)
    table = entry(name, **({} if is_fixed else options))
    known = known_craft(table, None)
    assert known is not None
    assert known.name == adapter_of(table, "cpu").craft


def test_at_most_one_craft_knows_a_table() -> None:
    tables = [entry(name) for name in built_in()] + [entry("rehearsal", gives="text")]
    assert [sum(craft.is_known_of(table) for craft in crafts().values()) for table in tables] == [1] * len(tables)


def test_what_a_worker_published_counts_for_more_than_the_table() -> None:
    offer = Published("m", "rehearsal", "1", 0, craft="summary")
    assert craft_of("m", entry("rehearsal"), offer) is SUMMARY
    assert craft_of("m", entry("rehearsal"), Published("m", "rehearsal", "1", 0)) is SPEECH, "an older worker"


def test_of_a_model_that_nobody_knows_the_craft_has_to_be_said() -> None:
    with pytest.raises(
        InvalidInput, match=r"^craft: no worker of m was ready yet, .*; say 'infer', 'lipsync', 'speech' or 'summary'$"
    ):
        craft_of("m", entry("theirs"), None)
    with pytest.raises(
        InvalidInput, match=r"^craft: there is no craft 'x'; it may be 'infer', 'lipsync', 'speech' or 'summary'$"
    ):
        craft_named("x")


def test_a_model_of_another_craft_is_refused_and_what_is_not_known_passes() -> None:
    check_craft(SPEECH, "m", entry("theirs"), None)
    check_craft(SPEECH, "m", entry("espeak"), None)
    check_craft(SPEECH, "m", None, Published("m", "theirs", "1", 22_050))
    with pytest.raises(InvalidInput, match=r"^model: 'm' does not write \(its adapter is espeak\)$"):
        check_craft(SUMMARY, "m", entry("espeak"), None)
    with pytest.raises(InvalidInput, match=r"^model: 'm' does not speak \(its adapter is theirs\)$"):
        check_craft(SPEECH, "m", None, Published("m", "theirs", "1", 0, craft="theirs"))


def test_a_result_comes_back_as_the_class_of_its_kind() -> None:
    audio = Audio(artifact="speech/ab/cd.wav", sample_rate=8000, frames=8000, bytes=16_044)
    for result in (
        ParagraphResult(audio=audio, duration_s=1.0, computed=True),
        ChapterResult(audio=audio, duration_s=1.0, paragraphs=1, parts=1, computed=1),
    ):
        assert result_of(result.fields()) == result


def test_a_result_of_an_older_version_or_of_a_stranger_is_a_clear_error() -> None:
    with pytest.raises(SlotlineError, match="has no kind: an older version"):
        result_of({"duration_s": 1.0, "parts": 1})
    with pytest.raises(SlotlineError, match="its kind 'film' is not known here"):
        result_of({"kind": "film"})
