"""Speech in a slot: which voice is meant, and a sound as a WAV file."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, ModelError, NothingToSpeak
from tests.unit.workers.adapters.asked import to_speak
from workers.adapters.outputs import Sound, TimedPiece, TimedWord
from workers.adapters.rehearsal import Rehearsal
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.crafts.speech import CRAFT


def loaded(**table: object) -> KnownModel:
    entry = ModelEntry.model_validate({"name": "m", "adapter": "rehearsal", **table})
    adapter = Rehearsal(entry, "cpu")
    return KnownModel(entry, adapter, adapter.load())


@pytest.mark.parametrize(
    ("table", "named", "meant"),
    [
        ({}, None, None),
        ({"options": {"voices": ["anna", "bert"]}}, None, "anna"),
        ({"options": {"voices": ["anna", "bert"]}, "voice": "bert"}, None, "bert"),
        ({"options": {"voices": ["anna", "bert"]}, "voice": "bert"}, "anna", "anna"),
    ],
)
def test_the_voice_is_the_requests_then_the_tables_then_the_models(
    table: dict[str, object], named: str | None, meant: str | None
) -> None:
    assert CRAFT.ready(loaded(**table), to_speak(" Hello.\n", named)) == to_speak("Hello.", meant)


def test_a_text_without_a_letter_or_digit_is_refused() -> None:
    with pytest.raises(NothingToSpeak):
        CRAFT.ready(loaded(), to_speak(" … "))


def test_where_each_voice_is_a_model_the_voice_says_which() -> None:
    one, many = ModelEntry(name="m", adapter="a"), ModelEntry(name="m", adapter="a", path="voices/{id}")
    assert CRAFT.variant(one, to_speak("a", "anna")) is None
    assert CRAFT.variant(many, to_speak("a", "anna")) == "anna"
    assert CRAFT.variant(many.model_copy(update={"voice": "bert"}), to_speak("a")) == "bert"
    with pytest.raises(InvalidInput, match="^voice: missing"):
        CRAFT.variant(many, to_speak("a"))


def test_a_sound_becomes_a_wav_file_of_its_rate_and_frames() -> None:
    data, details = CRAFT.encode(Sound(np.zeros(100, np.float32), 8000))
    assert details == {"sample_rate": 8000, "frames": 100}
    samples, rate = soundfile.read(io.BytesIO(data))
    assert (len(samples), rate) == (100, 8000)


def test_its_pieces_are_details_and_those_that_do_not_fit_it_are_an_error_of_the_model() -> None:
    samples = np.zeros(4000, np.float32)
    _, details = CRAFT.encode(Sound(samples, 8000, [TimedPiece("A b.", 0.0, 0.5, (TimedWord("b.", 0.2, 0.5),))]))
    assert details == {"sample_rate": 8000, "frames": 4000, "pieces": [["A b.", 0.0, 0.5, [["b.", 0.2, 0.5]]]]}
    with pytest.raises(ModelError, match="the sound at 0.5000 s"):
        CRAFT.encode(Sound(samples, 8000, [TimedPiece("A b.", 0.0, 0.6)]))
