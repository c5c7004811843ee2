"""The rehearsal that answers: what it gets comes back, and fault words act."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError, ModelError
from tasks.messages import InferRequest
from tests.unit.workers.adapters.asked import run
from workers.adapters.outputs import Data
from workers.adapters.rehearsal import Rehearsal


def rehearsal(**options: Any) -> Rehearsal:
    made = Rehearsal(ModelEntry(name="any", adapter="rehearsal", options={"gives": "answer", **options}), "cpu")
    made.load()
    return made


def asked(value: Any) -> InferRequest:
    return InferRequest.parse({"model": "any", "input": value})


def test_an_input_comes_back_as_it_was_given() -> None:
    values = [None, "text", {"a": [1, {"b": None}]}, {"text": "⚡error"}]
    answering = rehearsal()
    assert answering.craft == "infer"
    assert run(answering, [asked(value) for value in values]) == values


def test_with_a_media_type_it_comes_back_as_bytes() -> None:
    answering = rehearsal(media_type="text/plain")
    assert run(answering, [asked({"a": "chữ"})]) == [Data('{"a":"chữ"}'.encode(), "text/plain")]
    assert answering.load().revision != rehearsal().load().revision


def test_fault_words_act_on_their_own_input() -> None:
    good, bad = run(rehearsal(faults=True), [asked([1]), asked({"deep": ["⚡error"]})])
    assert good == [1]
    assert isinstance(bad, ModelError)


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(CatalogError, match="media_type"):
        rehearsal(media_type=3)
