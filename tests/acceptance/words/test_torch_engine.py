"""The real weights by the engine torch: words come out, and at the times that the sound's details tell."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest

from tests.acceptance.words.speaker import Speaker
from tests.acceptance.words.texts import SENTENCE_OF, SENTENCES
from tests.fixtures.hearing import Ears, error_rate, time_differences
from workers.adapters.outputs import Sound

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def told(sound: Sound) -> list[tuple[str, float, float]]:
    return [(word.text, word.start_s, word.end_s) for piece in sound.pieces for word in piece.words]


def test_a_text_of_two_pieces_is_heard_and_its_words_are_where_they_are_told(
    torch_speaker: Speaker, ears: Ears
) -> None:
    first, second = SENTENCES[0].text, SENTENCES[1].text
    text = f"{first} {second} {first.removesuffix('.')}, and {second[0].lower()}{second[1:]}"
    sound = torch_speaker.say(text)
    assert len(sound.pieces) == 2
    words = ears.words(sound.samples, sound.sample_rate, "en")
    assert error_rate(text, " ".join(word.text for word in words), "en") <= 0.1
    _check_times(sound, time_differences(words, told(sound), "en"), text)


@pytest.mark.parametrize("voice", ["ef_dora", "ff_siwis"])
def test_other_languages_tell_their_words_too(torch_speaker: Speaker, ears: Ears, voice: str) -> None:
    asked = SENTENCE_OF[voice]
    sound = torch_speaker.say(asked.text, asked.voice)
    words = ears.words(sound.samples, sound.sample_rate, asked.language)
    assert error_rate(asked.text, " ".join(word.text for word in words), asked.language) <= asked.most
    _check_times(sound, time_differences(words, told(sound), asked.language), asked.text)


def _check_times(sound: Sound, differences: list[float], text: str) -> None:
    assert len(told(sound)) == len(text.split())
    assert len(differences) >= 0.8 * len(text.split())
    # 0.04 s in English, 0.10 s in Spanish.
    assert median(np.abs(differences)) < 0.15
    assert max(np.abs(differences)) < 0.6


def test_both_engines_speak_a_text_as_long(torch_speaker: Speaker, speaker: Speaker) -> None:
    asked = SENTENCES[0]
    by_torch, by_onnx = (one.say(asked.text, asked.voice) for one in (torch_speaker, speaker))
    assert len(by_torch.samples) == pytest.approx(len(by_onnx.samples), rel=0.05)
    # The export's own inverse Fourier transform makes it about 1.4 times as loud.
    ratio = float(np.sqrt((by_onnx.samples**2).mean() / (by_torch.samples**2).mean()))
    assert 1.1 < ratio < 1.8
