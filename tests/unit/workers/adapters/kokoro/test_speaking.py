"""How pieces become one sound: on an engine that stands in for a model, with real voice files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.errors import InvalidInput, ModelError
from tests.unit.workers.adapters.kokoro.tiny_onnx import VOCABULARY, write_voice
from workers.adapters.base import Cancelled
from workers.adapters.kokoro import voices
from workers.adapters.kokoro.engine import FRAME, MOST_PHONEMES, SAMPLE_RATE, Made
from workers.adapters.kokoro.prepared import Piece, PreparedText, Word
from workers.adapters.kokoro.speaking import Speaker
from workers.adapters.outputs import Sound


class StandIn:
    """Gives each symbol two frames, and remembers the styles; `spoils` changes what it has read."""

    has_whole_speeds = False

    def __init__(self) -> None:
        self.styles: list[Any] = []
        self.lengths: list[int] = []

    def speak(self, ids: Sequence[int], style: Any, speed: float) -> Made:
        self.styles.append(style)
        self.lengths.append(len(ids))
        read = [0, *self.spoils(list(ids)), 0]
        samples = np.full(len(read) * 2 * FRAME, speed / 4, np.float32)
        return Made(samples, read, [2] * len(read))

    def spoils(self, ids: list[int]) -> list[int]:
        return ids


@pytest.fixture
def engine() -> StandIn:
    return StandIn()


@pytest.fixture
def speaker(engine: StandIn, tmp_path: Path) -> Speaker:
    (tmp_path / "voices").mkdir()
    for name, value in {"af_heart": 0.5, "af_bella": 0.2}.items():
        write_voice(tmp_path / "voices" / f"{name}.bin", value)
    files = voices.found(tmp_path)
    return Speaker(engine, VOCABULARY, files, voices.known(files))


def spoken(speaker: Speaker, *phonemes: str, voice: str = "af_heart", speed: float = 1.0) -> Sound:
    pieces = tuple(Piece(one.upper(), one, (Word(one.upper(), 0, len(one)),)) for one in phonemes)
    return speaker.speak(PreparedText(voice, speed, pieces), lambda: False)


def test_pieces_are_joined_and_each_is_timed(speaker: Speaker) -> None:
    sound = spoken(speaker, "hi", "ju")
    assert sound.sample_rate == SAMPLE_RATE
    assert len(sound.samples) == 16 * FRAME
    assert [(piece.text, piece.start_s, piece.end_s) for piece in sound.pieces] == [("HI", 0, 0.2), ("JU", 0.2, 0.4)]
    assert [word.text for piece in sound.pieces for word in piece.words] == ["HI", "JU"]


def test_a_sound_that_peaks_above_one_is_quieter_as_a_whole_and_not_clipped(speaker: Speaker) -> None:
    sound = spoken(speaker, "ab", speed=6.0)  # the stand-in's sound is 1.5 then
    quiet = spoken(speaker, "ab", speed=2.0)
    assert sound.samples.max() == 1.0
    assert quiet.samples.max() == 0.5


def test_the_style_is_that_of_the_pieces_length_and_of_the_blends_shares(speaker: Speaker, engine: StandIn) -> None:
    spoken(speaker, "hi", "hello")
    spoken(speaker, "hi", voice="af_bella(1)+af_heart(2)")
    of_two, of_five, blended = engine.styles
    assert of_two[0] == pytest.approx(0.5 + 1e-6, abs=1e-7)
    assert of_five[0] == pytest.approx(0.5 + 4e-6, abs=1e-7)
    assert blended[0] == pytest.approx(0.4 + 1e-6, abs=1e-7)
    assert blended.dtype == np.float32


@pytest.mark.parametrize("lost", [0, 1])
def test_phonemes_that_were_not_spoken_are_an_error_and_no_sound(
    speaker: Speaker, engine: StandIn, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    monkeypatch.setattr(engine, "spoils", lambda ids: ids[:-1] if lost else [ids[0], ids[0], *ids[2:]])
    with pytest.raises(ModelError, match=f"^text: {5 - lost} phonemes were spoken of 5"):
        spoken(speaker, "hello")


def test_a_text_that_was_not_made_ready_for_this_model_is_an_error(speaker: Speaker) -> None:
    for phonemes, why in (("", "0 phonemes"), ("a" * (MOST_PHONEMES + 1), "511 phonemes"), ("ha€", "'€' is not in")):
        with pytest.raises(ModelError, match=f"^text: .*{why}"):
            spoken(speaker, phonemes)
    with pytest.raises(ModelError, match="without any phonemes"):
        spoken(speaker)


def test_a_text_that_is_cancelled_ends_before_its_next_piece(speaker: Speaker, engine: StandIn) -> None:
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        speaker.speak(PreparedText("af_heart", 1.0, (Piece("", "hi"),) * 3), lambda: next(asked))
    assert len(engine.styles) == 1


def test_a_voice_whose_file_was_changed_after_the_load_is_refused_until_the_next_one(
    speaker: Speaker, tmp_path: Path
) -> None:
    path = tmp_path / "voices" / "af_heart.bin"
    write_voice(path, 0.7)
    with pytest.raises(InvalidInput, match=rf"^voice: 'af_heart' cannot be used: {path} was changed"):
        spoken(speaker, "hi")
    path.unlink()
    with pytest.raises(InvalidInput, match=rf"^voice: 'af_heart' .*: {path} cannot be read: .*model unload"):
        spoken(speaker, "hi")
    spoken(speaker, "hi", voice="af_bella")


def test_the_warm_up_speaks_as_many_phonemes_as_it_is_told(speaker: Speaker, engine: StandIn) -> None:
    speaker.warm_up("af_heart", (12, 100, 510))
    assert engine.lengths == [12, 100, 510]
