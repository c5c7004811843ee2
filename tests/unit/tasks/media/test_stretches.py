"""Every frame is in one stretch, and a stretch has the sound that it depends on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidInput
from tasks.media.stretches import BLOCK_S, blocks_around, cut, frames_of, samples_of
from tasks.media.wav import encode_wav
from tasks.messages.lipsync import FPS, SOUND_RATE

BLOCK = BLOCK_S * SOUND_RATE


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (640, 1), (641, 2), (16_000, 25), (16_001, 26), (0, 0)])
def test_a_film_is_as_long_as_its_sound_or_up_to_a_frame_longer(samples: int, frames: int) -> None:
    assert frames_of(samples) == frames


@given(st.integers(0, 5_000), st.integers(1, 120))
def test_every_frame_is_in_one_stretch(frames: int, stretch_frames: int) -> None:
    found = [frame for start, count in cut(frames, stretch_frames) for frame in range(start, start + count)]
    assert found == list(range(frames))


@given(st.integers(1, 100 * SOUND_RATE), st.integers(1, 120), st.data())
def test_a_stretch_has_the_sound_that_it_depends_on(samples: int, stretch_frames: int, data: st.DataObject) -> None:
    start, count = data.draw(st.sampled_from(list(cut(frames_of(samples), stretch_frames))))
    blocks = blocks_around(start, count, samples)
    assert 0 <= blocks.start < blocks.stop <= -(-samples // BLOCK), "blocks that the sound has"
    # Windows of frame i: rows i-9 to i+6 of the features, in whole seconds of 25. The last window of the sound may be
    # shifted back by up to 16 rows of 200 samples, and a row reads 400 samples on both sides.
    first_s, last_s = max(0, start - 9) // FPS, (start + count + 5) // FPS
    assert blocks.start * BLOCK <= max(0, first_s * SOUND_RATE - 16 * 200 - 400)
    assert blocks.stop * BLOCK >= min(samples, last_s * SOUND_RATE + (80 + 16) * 200 + 400)


def test_a_block_is_read_as_it_was_written_and_another_sound_is_refused_by_its_name() -> None:
    samples = np.arange(-300, 300, dtype=np.int16)
    assert (samples_of("one", encode_wav(samples, SOUND_RATE)) == samples).all()
    for content in (b"no sound", b"", encode_wav(samples, 8_000)):
        with pytest.raises(InvalidInput, match="^sounds: one is no WAV of 16000 Hz, mono, 16 bits$"):
            samples_of("one", content)
