"""The names of artifacts are those of earlier versions, to the byte, for all ways of asking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput
from tasks.flow.parts import parts_of
from tasks.flow.payloads import input_payload
from tasks.messages import PartRequest
from tests.unit.workers.adapters.asked import to_speak, to_summarise
from workers.adapters.rehearsal import Rehearsal
from workers.sidecar import crafts
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.stages.make_ready import artifact_name

CRAFTS = {one.craft.name: one for one in crafts.by_task().values()}

LENGTHS = {"max_length": 8, "min_length": 2}
CHAPTER = {"voice": None, "speed": 1.5, "pause_s": 0.6, "sentence_pause_s": 0.15}
LEVELS = {"max_length": 8, "min_length": None, "chunk_chars": 200}
NAMES: list[tuple[str, Mapping[str, Any], Mapping[str, Any] | tuple[str, Mapping[str, Any]], str]] = [
    # What the commit 063f01c called them, by the same words.
    (
        "speech", {}, {"text": " Xin chào, «bạn».\r\n"},
        "speech/ba/baf7509f6c2ad0f06b771bedeacb7f3aeb2c7cd12269373df59aad906c49e5c8.wav",
    ),
    (
        "speech", {}, {"text": "Hello.", "speed": 2, "voice": "bert"},
        "speech/2c/2cc65937908013bd3c3c5f73a58d8c6592916e796ad141da3b5bcb94f57727e0.wav",
    ),
    (
        "speech", {"voice": "anna"}, {"text": "Hello."},
        "speech/22/22cebce37655547d5d790c24731b37c8fac34b936f47ee3c178b51645ea0a70d.wav",
    ),
    (
        "speech", {"voice": "anna"}, ("PHello there.", CHAPTER),
        "speech/01/01d00f4922bd057b92672c10d4bcbabae57e7f361d40ace3544a34c1b63f6499.wav",
    ),
    (
        "speech", {"voice": "anna"},
        (input_payload("Hello.", {"text": " Hello. ", "speed": 1.0, "voice": "bert"}), {"craft": "speech"}),
        "speech/0c/0c12ebe0f34170d236945adaeda76528696ae1c867f416b56aa5709b0977c10e.wav",
    ),
    (
        "summary", {"gives": "text"}, {"text": " Some words. "},
        "summary/f1/f116e6f04b704f17b73459750d4b8456787ba4d9bf3b8c885dfbdc59969e9987.txt",
    ),
    (
        "summary", {"gives": "text"}, {"text": "Some words.", **LENGTHS},
        "summary/f8/f8d6e4278626867abcb1fdb08a9d387b10a6307ad111be2352317e6a03d84761.txt",
    ),
    (
        "summary", {"gives": "text"}, ("1Some words.\n\x1f3", LEVELS),
        "summary/a8/a8b4d720052a29e2d4ad3bfe48c1868af2c9de34d42efe34f95f996905f3d4bc.txt",
    ),
    (
        "summary", {"gives": "text"},
        (input_payload("Some", {"text": "Some words.", "max_length": 8}), {"craft": "summary"}),
        "summary/a8/a8b4d720052a29e2d4ad3bfe48c1868af2c9de34d42efe34f95f996905f3d4bc.txt",
    ),
    (
        "infer", {"gives": "answer"}, {"input": {"b": [1.5, None], "a": "chữ"}},
        "infer/3d/3d5c1aac38edb9ed1382137331b69ef78544b303cd620c9273f464e8fd988cdf.bin",
    ),
    (
        "infer", {"gives": "answer"},
        (input_payload("{", {"input": {"a": "chữ", "b": [1.5, None]}}), {"craft": "infer"}),
        "infer/3d/3d5c1aac38edb9ed1382137331b69ef78544b303cd620c9273f464e8fd988cdf.bin",
    ),
]  # fmt: skip


def rehearsal(voice: str | None = None, gives: str = "sound") -> KnownModel:
    options = {"gives": gives, "voices": ["anna", "bert"]} if voice else {"gives": gives}
    entry = ModelEntry(name="quick", adapter="rehearsal", voice=voice, options=options)
    adapter: Any = Rehearsal(entry, "cpu")
    return KnownModel(entry, adapter, adapter.load())


def asked(craft: str, given: Mapping[str, Any] | tuple[str, Mapping[str, Any]]) -> PartRequest:
    """A request as a message of its own brings it, or as a part of a job does."""
    if isinstance(given, tuple):
        payload, params = given
        return parts_of(craft).request(payload, {"model": "quick", **params})
    return CRAFTS[craft].craft.request.parse({"model": "quick", **given})


@pytest.mark.parametrize(("craft", "model", "given", "name"), NAMES)
def test_an_artifact_is_called_as_it_was_by_earlier_versions(
    craft: str, model: Mapping[str, Any], given: Any, name: str
) -> None:
    loaded = rehearsal(**model)
    part = CRAFTS[craft].ready(loaded, asked(craft, given))
    assert artifact_name(loaded, CRAFTS[craft], part) == name


def test_the_model_is_no_ingredient_of_a_request_and_all_else_is() -> None:
    assert to_speak("a", "anna", 1.5).ingredients() == {"text": "a", "voice": "anna", "speed": 1.5}
    assert to_summarise("a", 8).ingredients() == {"text": "a", "max_length": 8, "min_length": None}


def test_parts_that_are_to_be_computed_alike_are_of_one_manner() -> None:
    assert to_speak("a", "anna").manner() == to_speak("b", "anna").manner()
    assert to_speak("a", "anna").manner() != to_speak("a", "anna", 1.5).manner()


def test_a_text_without_a_letter_is_not_spoken() -> None:
    with pytest.raises(InvalidInput, match="nothing to speak"):
        CRAFTS["speech"].ready(rehearsal(), to_speak(" … "))
