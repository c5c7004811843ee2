"""How a film is cut into stretches, and which blocks of its sound each of them needs; what is in a block. Pure.

The sound that moves the mouth (mono, 16,000 Hz) lies in blocks of 20 s, and a stretch names those that it needs. It
needs more than it shows: a frame depends on sound from 0.4 s before it to 0.5 s after it, and the sound is computed in
whole seconds, so that a stretch has the same bits however the film is cut. `BEFORE_S` and `AFTER_S` cover both.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput
from tasks.media.wav import SAMPLE_BYTES, plain_samples
from tasks.messages.lipsync import FPS, SOUND_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_S = 20
"""The length of a block: 640 KB, so each one is a single small file."""

BEFORE_S, AFTER_S = 2, 3
"""Of the sound a stretch has so many whole seconds before the second of its first frame, and up to so many behind the
begin of the second of its last frame, as far as the sound has them."""


def frames_of(samples: int) -> int:
    """How many frames show a sound of so many samples: as long as it is, or up to one frame longer."""
    return -(-samples * FPS // SOUND_RATE)


def cut(frames: int, stretch_frames: int) -> Iterator[tuple[int, int]]:
    """The first frame and the length of each stretch of a film, in order."""
    for start in range(0, frames, stretch_frames):
        yield start, min(stretch_frames, frames - start)


def blocks_around(start: int, frames: int, samples: int) -> range:
    """The numbers of the blocks, from 0, that a stretch needs of a sound of so many samples."""
    from_s = max(0, start // FPS - BEFORE_S)
    until_s = min((start + frames - 1) // FPS + AFTER_S, -(-samples // SOUND_RATE))
    return range(min(from_s, until_s - 1) // BLOCK_S, -(-until_s // BLOCK_S))


def samples_of(name: str, content: bytes) -> NDArray[np.int16]:
    """The samples of a block, int16 `[n]`, from its content; raises `InvalidInput`, which names it, if it is none."""
    import numpy as np

    file = io.BytesIO(content)
    match plain_samples(file):
        case (rate, size) if rate == SOUND_RATE:
            return np.frombuffer(content, "<i2", size // SAMPLE_BYTES, file.tell())
    raise InvalidInput(f"sounds: {name} is no WAV of {SOUND_RATE} Hz, mono, 16 bits")
