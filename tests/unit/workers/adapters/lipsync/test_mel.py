"""Mel windows: held against librosa, and a part of a sound against the whole of it, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.errors import InvalidInput
from tasks.messages.lipsync import SOUND_RATE
from workers.adapters.lipsync.mel import SoundPart, mel_rows, mel_windows
from workers.adapters.lipsync.windows import first_row, rows_for, rows_of, samples_for, windows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTHS = (5 * SOUND_RATE + 77, SOUND_RATE, 48_123, 4_000)


def sound(samples: int, seed: int = 1) -> NDArray[np.int16]:
    """Noise that grows and fades, with a tone in it."""
    at = np.arange(samples)
    noise = np.random.default_rng(seed).normal(0, 3000, samples) * (1 + np.sin(at / 3000))
    made: NDArray[np.int16] = (noise + 6000 * np.sin(at / 9)).astype(np.int16)
    return made


def rows(part: SoundPart) -> NDArray[np.float32]:
    """All rows of a whole sound."""
    seconds = range(-(-rows_of(part.total) // 80))
    return np.concatenate([mel_rows(part, second) for second in seconds])[: rows_of(part.total)]


@pytest.mark.usefixtures("model_packages")
@pytest.mark.parametrize("samples", LENGTHS)
def test_rows_are_those_of_librosa(samples: int) -> None:
    import librosa

    heard = sound(samples)
    plain = heard / 32768
    emphasised = np.concatenate([plain[:1], plain[1:] - 0.97 * plain[:-1]])
    spectrum = np.abs(librosa.stft(emphasised, n_fft=800, hop_length=200, win_length=800, pad_mode="constant"))
    filters = librosa.filters.mel(sr=SOUND_RATE, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    loudness = 20 * np.log10(np.maximum(1e-5, filters @ spectrum)) - 20
    expected = np.clip(8 * (loudness + 100) / 100 - 4, -4, 4).T
    made = rows(SoundPart(heard, 0, samples))
    assert made.shape == expected.shape
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=3e-5)


def test_a_tone_is_loud_in_its_own_band_and_silence_is_at_the_floor() -> None:
    tone = (12_000 * np.sin(2 * np.pi * 440 * np.arange(SOUND_RATE) / SOUND_RATE)).astype(np.int16)
    made = mel_rows(SoundPart(tone, 0, SOUND_RATE), 0)[40]
    # 440 Hz is 6.6 mel, 55 Hz 0.825, 7,600 Hz 44.5: middles are 0.539 mel apart, and that of band 10 is 6.75.
    assert int(np.argmax(made)) == 10
    silent = mel_rows(SoundPart(np.zeros(SOUND_RATE, np.int16), 0, SOUND_RATE), 0)
    assert (silent == -4.0).all()


def test_a_window_is_sixteen_rows_on_their_side() -> None:
    part = SoundPart(sound(LENGTHS[0]), 0, LENGTHS[0])
    made, all_rows = mel_windows(part, range(6)), rows(part)
    count = windows_of(part.total)
    for window in range(count):
        begin = first_row(window, len(all_rows))
        np.testing.assert_array_equal(made[window], all_rows[begin : begin + 16].T)
    assert made.shape == (150, 80, 16)
    assert not made[count:].any()


@pytest.mark.parametrize("samples", [*LENGTHS, 10 * SOUND_RATE])
def test_a_part_of_the_sound_gives_the_bits_of_the_whole(samples: int) -> None:
    heard = sound(samples)
    whole = mel_windows(SoundPart(heard, 0, samples), range(-(-windows_of(samples) // 25)))
    for first in range(len(whole) // 25):
        seconds = range(first, min(first + 2, len(whole) // 25))
        needed = samples_for(rows_for(seconds, samples), samples)
        part = SoundPart(heard[needed.start : needed.stop], needed.start, samples)
        made = mel_windows(part, seconds)
        assert made.tobytes() == whole[25 * seconds.start : 25 * seconds.stop].tobytes()


def test_a_sound_too_short_for_a_window_counts_as_padded_with_silence() -> None:
    short = sound(1_600)
    padded = np.concatenate([short, np.zeros(1_400, np.int16)])
    made = mel_windows(SoundPart(short, 0, 1_600), range(1))
    assert made.tobytes() == mel_windows(SoundPart(padded, 0, 3_000), range(1)).tobytes()
    assert made[:2].any()


def test_a_part_that_lacks_samples_is_refused_with_what_it_holds_and_what_is_needed() -> None:
    heard = sound(5 * SOUND_RATE)
    part = SoundPart(heard[20_000:60_000], 20_000, len(heard))
    with pytest.raises(InvalidInput, match=r"^sounds: they hold samples 20000 to 60000 .* needs 15599 to 34600$"):
        mel_windows(part, range(1, 2))
    with pytest.raises(InvalidInput, match=r"needs 31599 to 66600$"):
        mel_windows(part, range(2, 4))
