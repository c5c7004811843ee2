"""espeak-ng's own: its voices' names, its silence, its limits, and text that looks like markup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError, InvalidInput, ModelLoadError, UnknownVoice
from tests.unit.workers.adapters.asked import to_speak
from workers.adapters.espeak import Espeak
from workers.adapters.outputs import Sound

VIETNAMESE = "Hắn vừa đi vừa chửi. Bao giờ cũng thế, cứ rượu xong là hắn chửi."
ENGLISH = "The sea was calm, and the boat lay still upon it."


def made(**table: object) -> Espeak:
    return Espeak(ModelEntry.model_validate({"name": "espeak", "adapter": "espeak", **table}), "cpu")


@pytest.fixture
def espeak() -> Iterator[Espeak]:
    adapter = made()
    adapter.load()
    yield adapter
    adapter.unload()


def spoken(espeak: Espeak, text: str, voice: str | None = None, speed: float = 1.0) -> NDArray[np.float32]:
    outcome = espeak.run([to_speak(text, voice, speed)])[0]
    assert isinstance(outcome, Sound), outcome
    return outcome.samples


def seconds(samples: NDArray[np.float32]) -> float:
    return len(samples) / 22_050


def test_the_library_offers_vietnamese_and_english_by_language() -> None:
    adapter = made()
    offer = adapter.load()
    adapter.unload()
    assert offer.sample_rate == 22_050
    assert offer.default_voice == "en-us"
    assert offer.revision.startswith("espeak-ng-1.")
    for name in ("vi", "vi-vn-x-central", "vi-vn-x-south", "en-us", "en-gb"):
        assert offer.voices[name] == name
    assert offer.voices["fr"] == "fr-fr"
    assert offer.voices["en"] == "en-gb"
    assert len(offer.voices) > 100


def test_voices_go_by_name_in_any_case(espeak: Espeak) -> None:
    as_written = spoken(espeak, VIETNAMESE, "vi-VN-x-south")
    in_lower_case = spoken(espeak, VIETNAMESE, "vi-vn-x-south")
    assert len(as_written) == pytest.approx(len(in_lower_case), rel=0.02)


def test_an_unknown_voice_names_the_nearest(espeak: Espeak) -> None:
    with pytest.raises(UnknownVoice, match=r"^voice: espeak-ng has no voice 'vi-VN-south'; nearest: vi-vn-x-south"):
        espeak.check(to_speak(VIETNAMESE, "vi-VN-south"))


@pytest.mark.parametrize(("text", "voice"), [(VIETNAMESE, "vi"), (VIETNAMESE, "vi-vn-x-south"), (ENGLISH, "en-us")])
def test_speech_is_loud_enough_does_not_clip_and_has_hardly_a_silent_edge(
    espeak: Espeak, text: str, voice: str
) -> None:
    samples = spoken(espeak, text, voice)
    loud = np.flatnonzero(np.abs(samples) > 0.001)
    assert 2.0 < seconds(samples) < 5.0
    assert 0.02 < float(np.sqrt(np.mean(samples**2))) < 0.2
    assert 0.2 < float(np.abs(samples).max()) < 0.99
    assert loud[0] / 22_050 < 0.05
    assert seconds(samples) - loud[-1] / 22_050 < 0.05


def test_a_voice_and_a_speed_hold_for_their_own_input_alone(espeak: Espeak) -> None:
    alone = [len(spoken(espeak, VIETNAMESE, "vi")), len(spoken(espeak, VIETNAMESE, "en-us", 1.5))]
    items = [to_speak(VIETNAMESE, "vi"), to_speak(VIETNAMESE, "en-us", 1.5)] * 3
    outcomes = espeak.run(items)
    lengths = [len(outcome.samples) for outcome in outcomes if isinstance(outcome, Sound)]
    assert lengths == pytest.approx(alone * 3, rel=0.02)
    assert alone[0] != pytest.approx(alone[1], rel=0.02)


def test_an_unknown_voice_midway_does_not_change_the_voice_of_what_follows(espeak: Espeak) -> None:
    first, unknown, last = espeak.run([to_speak(VIETNAMESE, voice) for voice in ("vi", "vii", "vi")])
    assert isinstance(first, Sound)
    assert isinstance(unknown, UnknownVoice)
    assert isinstance(last, Sound)
    assert len(first.samples) == pytest.approx(len(last.samples), rel=0.02)


def test_each_speed_that_a_request_may_ask_for_speaks_and_the_slowest_are_alike(espeak: Espeak) -> None:
    lengths = [seconds(spoken(espeak, ENGLISH, "en-us", speed)) for speed in (0.25, 0.4, 0.5, 1.0, 2.0, 4.0)]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.02)  # 80 words a minute is the library's slowest
    assert lengths[1:] == sorted(lengths[1:], reverse=True)
    assert lengths[3] / lengths[5] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("text", ["Hello <break time='5s'/> world", "<speak><prosody rate='x-slow'>Hello</prosody>"])
def test_markup_is_read_out_and_not_obeyed(espeak: Espeak, text: str) -> None:
    samples = spoken(espeak, text)
    silent = np.abs(samples) < 0.001
    edges = np.flatnonzero(np.diff(silent.astype(np.int8)))
    assert max(np.diff(edges), default=0) / 22_050 < 1.0  # no five seconds of pause
    assert seconds(samples) > 1.5 * seconds(spoken(espeak, "Hello world"))


def test_phonemes_in_brackets_are_read_as_letters(espeak: Espeak) -> None:
    assert seconds(spoken(espeak, "[[h@l'oU]]")) > 1.5 * seconds(spoken(espeak, "hello"))


@pytest.mark.parametrize("hidden", ["\x00", "\x0190S", "\x01300S"])
def test_a_control_character_neither_ends_the_text_nor_commands_the_voice(espeak: Espeak, hidden: str) -> None:
    plain = spoken(espeak, f"Hello  {hidden[1:]} {ENGLISH}")
    assert len(spoken(espeak, f"Hello {hidden} {ENGLISH}")) == pytest.approx(len(plain), rel=0.02)


@pytest.mark.parametrize("text", ["...", '"', " ", "— — —"])
def test_a_text_without_sound_is_refused_with_its_words(espeak: Espeak, text: str) -> None:
    outcome = espeak.run([to_speak(text)])[0]
    assert isinstance(outcome, InvalidInput)
    assert str(outcome).startswith("text: gives no sound in the voice 'en-us'")


def test_the_longest_paragraph_that_a_chapter_may_cut_is_spoken_whole(espeak: Espeak) -> None:
    once = "Then he said the same again. "
    long = spoken(espeak, once * 340)
    assert seconds(long) == pytest.approx(340 * seconds(spoken(espeak, once)), rel=0.25)


def test_the_rate_of_the_catalog_is_heard_and_names_other_artifacts(espeak: Espeak) -> None:
    slow = made(options={"words_per_minute": 120})
    revision = slow.load().revision
    assert seconds(spoken(slow, ENGLISH)) > 3.5
    assert revision != espeak.load().revision
    espeak.unload()


@pytest.mark.parametrize("wrong", [79, 451, "175", 175.5])
def test_a_rate_that_the_library_cannot_keep_is_refused_by_name(wrong: object) -> None:
    with pytest.raises(CatalogError, match=r"words_per_minute: .*got"):
        made(options={"words_per_minute": wrong})


@pytest.mark.parametrize("broken", ["data", "library"])
def test_a_broken_installation_is_a_load_error_that_names_the_path(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(espeakng_loader, f"get_{broken}_path", lambda: str(tmp_path))
    adapter = made()
    with pytest.raises(ModelLoadError, match=str(tmp_path)):
        adapter.load()
    adapter.unload()
