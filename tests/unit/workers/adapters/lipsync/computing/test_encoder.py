"""The audio encoder: places of a sound, calls of one size, and what is remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.errors import ModelError, ModelLoadError
from tests.unit.workers.adapters.lipsync.computing.sessions import Session, encoder_session
from workers.adapters.lipsync.computing.encoder import AudioEncoder
from workers.adapters.lipsync.prepared import PreparedStretch

PLACE = "models.toml line 1: [models.faces]"
FILE = Path("audio_encoder.onnx")


def stretch(start: int, frames: int, windows: int, seconds: range) -> PreparedStretch:
    """Each window is filled with its number in the sound, from 1 on."""
    numbers = np.arange(25 * seconds.start + 1, 25 * seconds.stop + 1, dtype=np.float32)
    mels = np.where(numbers <= windows, numbers, 0)[:, None, None] * np.ones((80, 16), np.float32) / 1280
    faces = np.zeros((frames, 3, 32, 32), np.uint8)
    keys = tuple(f"{second} of {windows}".encode() for second in seconds)
    return PreparedStretch(faces, mels.astype(np.float32), keys, seconds.start, windows, start)


def heard(encoder: AudioEncoder, one: PreparedStretch) -> list[int]:
    """The number of the window at each place; 0 where there is none."""
    found = encoder.features(one)
    assert found.shape == (len(one.faces) + 15, 512)
    assert (found[:, 1] == (found[:, 0] > 0)).all()
    return [round(float(number)) for number in found[:, 0]]


def test_the_first_and_the_last_window_stand_twice_and_zeros_around_them() -> None:
    encoder = AudioEncoder(encoder_session(), FILE, PLACE)
    assert heard(encoder, stretch(0, 3, 22, range(1))) == [0] * 8 + [1, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert heard(encoder, stretch(23, 2, 22, range(1))) == [15, 16, 17, 18, 19, 20, 21, 22, 22, *[0] * 8]
    assert heard(encoder, stretch(30, 1, 90, range(0, 2))) == list(range(22, 38))


def test_a_second_is_encoded_once_in_a_call_of_25_windows() -> None:
    session = encoder_session()
    encoder = AudioEncoder(session, FILE, PLACE)
    encoder.features(stretch(0, 25, 90, range(0, 2)))
    encoder.features(stretch(25, 25, 90, range(0, 3)))
    encoder.features(stretch(75, 10, 90, range(2, 4)))
    assert session.sizes == [25, 25, 25, 25]


@pytest.mark.parametrize(("at_once", "calls"), [(1, 25), (10, 3), (25, 1), (40, 1)])
def test_an_encoder_of_a_fixed_number_of_windows_gets_that_number(at_once: int, calls: int) -> None:
    session = encoder_session(at_once)
    encoder = AudioEncoder(session, FILE, PLACE)
    assert heard(encoder, stretch(9, 1, 22, range(1))) == list(range(1, 17))
    assert session.sizes == [at_once] * calls


def test_features_that_are_no_numbers_are_an_error_and_are_not_remembered() -> None:
    session = encoder_session()
    good, session.compute = session.compute, lambda windows: np.full((len(windows), 512), np.nan)
    encoder = AudioEncoder(session, FILE, PLACE)
    with pytest.raises(ModelError, match="audio encoder made values that are no numbers"):
        encoder.features(stretch(0, 1, 22, range(1)))
    session.compute = good
    assert heard(encoder, stretch(9, 1, 22, range(1))) == list(range(1, 17))


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        ({"mel": ["b", 1, 80, 20]}, {"out": ["b", 512]}, r"takes \['b', 1, 80, 20\], and not \[windows, 1, 80, 16\]"),
        ({"mel": ["b", 1, 80, 16], "more": [1]}, {"out": ["b", 512]}, "and not"),
        ({"mel": ["b", 1, 80, 16]}, {"out": ["b", 256]}, r"gives \['b', 256\], and not \[windows, 512\]"),
    ],
)
def test_what_is_no_audio_encoder_is_refused_by_what_it_takes(
    inputs: dict[str, list[object]], outputs: dict[str, list[object]], said: str
) -> None:
    session = Session(inputs, outputs, lambda windows: windows)
    with pytest.raises(ModelLoadError, match=rf"audio_encoder: audio_encoder.onnx is no audio encoder .*{said}"):
        AudioEncoder(session, FILE, PLACE)
