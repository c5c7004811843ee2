"""What is judged of a request without the model; a stand-in makes phonemes, so no language needs its packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tasks.errors import InvalidInput, UnknownVoice
from tests.unit.workers.adapters.asked import to_speak
from tests.unit.workers.adapters.kokoro.tiny_onnx import VOCABULARY
from workers.adapters.kokoro import reading
from workers.adapters.kokoro.prepared import Piece, PreparedText, Word
from workers.adapters.kokoro.reading import Reader, Told, respelt
from workers.adapters.kokoro.voices import Known

VOICES = {
    "af_bella": Known("digest of bella"),
    "af_broken": Known(fault="/voices/af_broken.bin is no voice"),
    "af_heart": Known("digest of heart"),
    "jf_alpha": Known("digest of alpha"),
}


class StandIn:
    """Says each letter as itself."""

    def __init__(self, vocab: Mapping[str, int]) -> None:
        self.opened: list[str] = []

    def open(self, letter: str) -> None:
        self.opened.append(letter)

    def version(self, letter: str) -> str:
        return f"rules of {letter}"

    def pieces(self, letter: str, text: str, voice: str = "") -> tuple[Piece, ...]:
        return (Piece(text, text),)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "Phonemizer", StandIn)
    monkeypatch.setattr(reading, "missing", lambda letter: "pip install ja" if letter == "j" else None)


def reader(**told: Any) -> Reader:
    usual = {"vocabulary": VOCABULARY, "voices": VOICES, "default_voice": "af_heart", "has_whole_speeds": False}
    return Reader(Told(**{**usual, **told}))


def test_all_ways_to_ask_for_one_sound_have_the_same_ingredients() -> None:
    def asked(voice: str | None) -> Mapping[str, Any]:
        return reader().ingredients(to_speak("text", voice))

    assert (
        asked("af_bella(2)+AF_heart(2)")
        == asked("af_heart,af_bella")
        == {
            "voice": "af_bella+af_heart",
            "voice_digests": ["digest of bella", "digest of heart"],
            "phonemes": "rules of a",
        }
    )
    assert asked(None) == asked("af_heart")
    assert asked("af_heart(2)+af_bella(1)") != asked("af_heart+af_bella") != asked("af_heart")


def test_what_is_prepared_has_the_one_form_of_its_blend_the_speed_and_all_pieces() -> None:
    made = reader().prepare(to_speak("hello", "af_heart(4)+af_bella(2)", 1.25))
    assert made == PreparedText("af_bella(1)+af_heart(2)", 1.25, (Piece("hello", "hello"),))


def test_pieces_and_words_are_as_the_text_was_written_with_their_marks_and_their_phonemes_stay() -> None:
    words = (Word("Don't", 0, 4), Word("he", 5, 7), Word("said", 8, 11))
    pieces = (Piece("“Don't,” he said.", "dont he sed", words), Piece("'Go!'", "go!"))
    made = respelt("“Don’t,” he\nsaid 😀. ‘Go!’", pieces)
    assert [piece.text for piece in made] == ["“Don’t,” he\nsaid 😀.", "‘Go!’"]
    assert made[0].words == (Word("“Don’t,”", 0, 4), Word("he", 5, 7), Word("said 😀.", 8, 11))
    assert [piece.phonemes for piece in made] == ["dont he sed", "go!"]


@pytest.mark.parametrize("speed", [0.25, 0.49, 2.01, 4.0])
def test_a_speed_at_which_the_model_gives_rubbish_is_refused(speed: float) -> None:
    for allowed in (0.5, 1.0, 2.0):
        reader().check(to_speak("hello", speed=allowed))
    with pytest.raises(InvalidInput, match=rf"^speed: Kokoro speaks at 0\.5 to 2\.0, and not at {speed:g}$"):
        reader().check(to_speak("hello", speed=speed))


def test_an_export_with_a_whole_speed_refuses_what_it_would_round() -> None:
    whole = reader(has_whole_speeds=True)
    whole.check(to_speak("hello", speed=2.0))
    with pytest.raises(InvalidInput, match=r"^speed: this export of Kokoro speaks at 1 or 2, and not at 1\.25$"):
        whole.check(to_speak("hello", speed=1.25))


def test_a_voice_that_cannot_be_used_costs_its_requests_alone_and_says_why() -> None:
    for voice in ("af_broken", "af_heart+af_broken"):
        with pytest.raises(
            InvalidInput, match=r"^voice: 'af_broken' cannot be used: /voices/af_broken\.bin is no voice"
        ):
            reader().check(to_speak("hello", voice))
    with pytest.raises(
        InvalidInput, match=r"^voice: 'jf_alpha' speaks Japanese, .* not installed here; run: pip install"
    ):
        reader().check(to_speak("こんにちは", "jf_alpha"))
    with pytest.raises(UnknownVoice, match=r"^voice: Kokoro has no voice 'nobody'"):
        reader().check(to_speak("hello", "af_heart+nobody"))
    reader().check(to_speak("hello"))


def test_a_script_that_the_voice_cannot_read_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(InvalidInput, match="^text: "):
        reader().check(to_speak("Чайка", "af_heart"))


def test_a_text_of_more_than_twenty_minutes_is_refused_with_the_way_to_send_it() -> None:
    reader().check(to_speak("a" * 20_000))
    with pytest.raises(InvalidInput, match=r"^text: has 20,001 characters, Kokoro takes 20,000 at once; send it as"):
        reader().check(to_speak("a" * 20_001))


def test_what_makes_phonemes_is_opened_for_the_default_voice_and_goes_with_its_reader() -> None:
    first = reader(default_voice="AF_Heart")
    first.open()
    opened = first._phonemizer
    assert opened.opened == ["a"]  # type: ignore[attr-defined]
    assert reader()._phonemizer is not opened, "so an unload gives back its memory"
