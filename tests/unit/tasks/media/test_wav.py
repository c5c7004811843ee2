"""Sound becomes a 16-bit WAV: to the nearest step, never clipped, with a header that holds also beyond 4 GiB."""

from __future__ import annotations

import io
import logging
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.errors import ModelError
from tasks.media.audio import probe
from tasks.media.wav import encode_wav, plain_samples, wav_header
from tests.unit.tasks.media.sounds import RATE, decoded, tone


def test_sound_comes_back_from_a_wav_to_half_a_step() -> None:
    samples = tone(1.0)
    wav = encode_wav(samples, RATE)
    assert len(wav) == 44 + 2 * len(samples)
    assert np.max(np.abs(decoded(wav) / 32767 - samples)) <= 0.51 / 32767


def test_int16_sound_is_kept_to_the_bit() -> None:
    samples = np.array([-32768, -1, 0, 1, 32767], dtype=np.int16)
    assert decoded(encode_wav(samples, RATE)).tolist() == samples.tolist()


def test_sound_up_to_full_scale_is_not_touched(caplog: pytest.LogCaptureFixture) -> None:
    assert decoded(encode_wav(np.array([1.0, -1.0, 0.5], dtype=np.float32), RATE)).tolist() == [32767, -32767, 16384]
    assert caplog.records == []


@pytest.mark.parametrize("peak", [1.0000001, 1.5, 3.0e4, 3.0e38])
def test_sound_beyond_full_scale_is_scaled_down_with_a_warning(peak: float, caplog: pytest.LogCaptureFixture) -> None:
    samples = np.array([peak, -peak / 2, 0.0, -peak], dtype=np.float32)
    with caplog.at_level(logging.WARNING):
        assert decoded(encode_wav(samples, RATE)).tolist() == [32767, -16384, 0, -32767]
    assert "scaled down" in caplog.text


@pytest.mark.parametrize(
    ("samples", "rate", "told"),
    [
        (np.zeros(0, np.float32), RATE, "no sound"),
        (np.zeros((2, 5), np.float32), RATE, "shape"),
        (np.array([0.0, np.nan], np.float32), RATE, "NaN"),
        (np.array([0.0, -np.inf], np.float32), RATE, "NaN or infinity"),
        (np.zeros(5, np.int64), RATE, "int64"),
        ([0.0, 0.1], RATE, "list"),
        (None, RATE, "NoneType"),
        (np.zeros(5, np.float32), 0, "sample rate of 0 Hz"),
    ],
)
def test_what_is_no_sound_is_the_models_error_and_says_why(samples: Any, rate: int, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        encode_wav(samples, rate)


@pytest.mark.parametrize("frames", [0, 5, (2**32 - 100) // 2, 2**31, 5 * 2**31])
def test_a_header_tells_the_right_length_also_beyond_4_gib(frames: int, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    header = wav_header(frames, RATE, growing=True)
    assert len(header) == 80
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 2 * frames)  # a hole: takes no room on the disk
    assert probe(path) == (RATE, frames, 1)
    with soundfile.SoundFile(path) as sound:
        assert sound.seek(frames) == frames


def test_a_part_that_no_plain_wav_can_hold_is_refused() -> None:
    with pytest.raises(ModelError, match="more than a WAV file can hold"):
        wav_header(2**31, RATE)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2)


FORM = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
SAMPLES = b"\1\0\2\0"


def riff(*chunks: bytes) -> bytes:
    return b"RIFF\0\0\0\0WAVE" + b"".join(chunks)


@pytest.mark.parametrize(
    "content",
    [
        encode_wav(np.array([1, 2], np.int16), 8000),
        wav_header(2, 8000, growing=True) + SAMPLES,
        riff(FORM, chunk(b"LIST", b"odd"), chunk(b"data", SAMPLES)),
        riff(chunk(b"fmt ", FORM[8:] + b"\0\0"), chunk(b"data", SAMPLES), chunk(b"LIST", b"behind")),
    ],
)
def test_the_samples_of_a_plain_wav_are_found(content: bytes) -> None:
    file = io.BytesIO(content)
    assert plain_samples(file) == (8000, 4)
    assert file.read(4) == SAMPLES


def form(kind: int = 1, channels: int = 1, bits: int = 16) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, 8000, 16000, 2, bits))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"x" * 100,
        riff(FORM, chunk(b"LIST", b"x" * 40)),
        riff(chunk(b"data", SAMPLES * 10), FORM),
        riff(form(kind=3), chunk(b"data", SAMPLES)),
        riff(form(channels=2), chunk(b"data", SAMPLES)),
        riff(form(bits=24), chunk(b"data", SAMPLES)),
        riff(FORM, chunk(b"data", SAMPLES)[:-1]),
        riff(FORM, chunk(b"data", b"\1\0\2")),
        riff(FORM, struct.pack("<4sI", b"data", 0xFFFF_FFFF), SAMPLES),
        riff(FORM, struct.pack("<4sI", b"LIST", 0xFFFF_FFFF), SAMPLES),
        b"RF64" + riff(FORM, chunk(b"data", SAMPLES))[4:],
        b"RIFX" + riff(FORM, chunk(b"data", SAMPLES))[4:],
    ],
)
def test_what_is_not_a_whole_plain_wav_is_left_to_others(content: bytes) -> None:
    assert plain_samples(io.BytesIO(content)) is None
