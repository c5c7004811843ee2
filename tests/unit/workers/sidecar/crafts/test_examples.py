"""What crafts say of inputs and outputs for checking an adapter."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.catalog import ModelEntry
from tasks.errors import ModelError
from workers.adapters import adapter_of
from workers.adapters.base import Offer
from workers.adapters.outputs import Data, Film, Sound, Written
from workers.sidecar.crafts import infer, lipsync, speech, summary
from workers.sidecar.crafts.examples import text_for

REHEARSAL = adapter_of(ModelEntry(name="tried", adapter="rehearsal"), "cpu")


def test_texts_are_in_the_language_or_figures() -> None:
    assert text_for("vi-vn-x-south")[0].startswith("Hắn")
    assert text_for("en-gb")[2] == "No, sir."
    assert text_for("ja")[2] == "1"


def test_speech_is_tried_in_the_default_voice_and_in_another() -> None:
    offer = Offer("1", 22050, {"a": "vi", "b": "en"}, "a")
    found = speech.CRAFT.examples(REHEARSAL, offer)
    assert found.good[0] == {"text": "Hắn vừa đi vừa chửi."}
    assert found.good[-1] == {"text": "Did he leave his name?", "voice": "b"}
    assert {"text": "1", "voice": "no-such-voice"} in found.refused
    assert not [one for one in speech.CRAFT.examples(REHEARSAL, Offer("1")).refused if "voice" in one]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Sound(np.zeros(9, np.float64), 22050), "float32 mono"),
        (Sound(np.zeros((9, 2), np.float32), 22050), "float32 mono"),
        (Sound(np.full(9, 1.5, np.float32), 22050), "the loudest is 1.5"),
        (Sound(np.zeros(9, np.float32), 1), "1 Hz is no sample rate"),
        (None, "it is no Sound, but NoneType"),
    ],
)
def test_what_is_no_sound_is_refused(made: Sound, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        speech.CRAFT.seen(made)


def test_a_sound_is_compared_by_its_length_and_nan_is_seen() -> None:
    assert speech.CRAFT.seen(Sound(np.zeros(11025, np.float32), 22050)) == {"seconds": 0.5, "pieces": 0}
    seen = speech.CRAFT.seen(Sound(np.array([0, np.nan], np.float32), 22050))
    assert str(seen) == "{'samples': nan}"


def test_a_text_is_compared_as_it_is() -> None:
    assert summary.CRAFT.seen(Written("a", 3)) == {"text": "a", "tokens_read": 3, "is_cut": False}
    with pytest.raises(ModelError, match="no Written"):
        summary.CRAFT.seen("a")  # type: ignore[arg-type]
    assert len(summary.CRAFT.examples(REHEARSAL, Offer("1")).good) == 3


def test_a_film_is_compared_by_the_brightness_of_its_pictures() -> None:
    grey = np.full((16, 16, 3), 51, np.uint8)
    assert lipsync.CRAFT.seen(Film([grey], 1)) == {"pictures": [[0.2] * 64]}
    with pytest.raises(ModelError, match="there are 1, but count is 2"):
        lipsync.CRAFT.seen(Film([grey], 2))
    with pytest.raises(ModelError, match="uint8 BGR"):
        lipsync.CRAFT.seen(Film([grey[..., 0]], 1))
    assert len(lipsync.CRAFT.examples(REHEARSAL, Offer("1")).good) == 3


def test_an_answer_is_compared_as_json_and_bytes_by_their_digest() -> None:
    assert infer.CRAFT.seen({"a": np.float32(0.5)}) == {"output": {"a": 0.5}}
    assert str(infer.CRAFT.seen([float("nan")])) == "{'output': [nan]}"
    seen = infer.CRAFT.seen(Data(b"x", "image/png"))
    assert isinstance(seen, dict)
    assert seen["media_type"] == "image/png"
    with pytest.raises(ModelError, match="output"):
        infer.CRAFT.seen({1, 2})


def test_an_adapter_that_declares_no_input_is_tried_with_any_json() -> None:
    found = infer.CRAFT.examples(REHEARSAL, Offer("1"))
    assert {"input": None} in found.unusual
    assert not found.refused
