"""Many inputs at once: a long list goes to the store, and each result comes back as what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.errors import InvalidInput
from tasks.messages import INLINE_TEXT_BYTES, MapRequest, MapResult, ResultFile, SummaryResult

SUMMARY = SummaryResult(text="Short.", artifact="a.txt", tokens_read=3, is_cut=False, computed=True)


def test_inputs_are_given_in_one_form() -> None:
    for fields in ({}, {"inputs": [{"text": "a"}], "inputs_ref": "text/a.txt"}):
        with pytest.raises(InvalidInput, match="^inputs: give them, or inputs_ref, and not both$"):
            MapRequest.parse({"model": "m", **fields})


def test_a_long_list_of_inputs_is_put_away_as_json() -> None:
    short = MapRequest.parse({"model": "m", "inputs": [{"text": "a"}]})
    assert short.by_reference(str) is short
    inputs = [{"text": "x" * INLINE_TEXT_BYTES}]
    put = MapRequest.parse({"model": "m", "inputs": inputs}).by_reference(lambda text: f"ref of {text}")
    assert put.inputs is None
    assert json.loads(str(put.inputs_ref).removeprefix("ref of ")) == inputs


def test_the_results_are_the_same_wherever_their_list_lies() -> None:
    listed = [SUMMARY.fields(), None]
    here = MapResult(total=2, computed=1, results=listed)
    there = MapResult(total=2, computed=1, results_ref="ref")
    assert here.each(str) == there.each(lambda name: json.dumps(listed)) == [SUMMARY, None]
    assert here.files(str) == [ResultFile("Short."), None]
    assert here.words() == "2 inputs"


def test_sizes_are_in_the_unit_of_the_craft_and_a_wrong_input_has_none() -> None:
    def sizes(craft: str | None, *inputs: dict[str, Any]) -> list[int]:
        return list(MapRequest.parse({"model": "m", "inputs": list(inputs), "craft": craft}).input_sizes())

    assert sizes("infer", {"input": {"a": "é"}}, {"input": None}, {"text": "x"}, {"input": {1}}) == [9, 4, 0, 0]
    assert sizes("lipsync", {"frames": 25, "sounds": ["a"]}, {}) == [25, 0]
    assert sizes("speech", {"text": "four", "voice": "vi"}) == [4]
    assert sizes(None, {"text": "four", "voice": "vi"}) == [6]
    assert sizes("unknown", {"text": "four"}) == [4]
