"""Which frames, mel windows and samples of a sound belong together. Pure, whole numbers only.

A window is 16 rows of the mel spectrogram, and a frame has one window; what the network gets for it are the features of
16 windows around it. Windows and their features are computed by whole seconds of the whole sound, 25 at once: so a
stretch has the same bits as the whole, wherever it begins.
"""

from __future__ import annotations

from tasks.errors import InvalidInput
from tasks.media.stretches import frames_of
from tasks.messages.lipsync import FPS, SOUND_RATE

HOP = 200
"""Samples from one row to the next."""

ROWS_A_SECOND = SOUND_RATE // HOP

ROWS = 16
"""Of a window."""

HALF_FFT = 400
"""A row depends on so many samples on either side of its middle."""

SHORTEST = (ROWS - 1) * HOP
"""Samples of the shortest sound that has a window; a shorter one is padded with silence to it."""

BEFORE, AFTER = 8, 7
"""The features of a frame begin so many places before its own place, and end so many after it, included."""


def rows_of(samples: int) -> int:
    """The rows of a sound; one too short for a window counts as padded with silence."""
    return 1 + max(samples, SHORTEST) // HOP


def windows_of(samples: int) -> int:
    """The windows of a sound: two or more. As the faces' own training counted them, with its float numbers."""
    return int((rows_of(samples) - ROWS) / ROWS_A_SECOND * FPS) + 2


def first_row(window: int, rows: int) -> int:
    """Where a window begins; at the sound's end it is shifted back, so that it is whole."""
    return min(ROWS_A_SECOND * window // FPS, rows - ROWS)


def seconds_of(start: int, frames: int, samples: int) -> range:
    """The seconds whose windows the frames from `start` on need.

    The features stand in a row of `windows + 2` places: the first and the last one stand there twice. Raises
    `InvalidInput` for frames beyond the sound.
    """
    if start + frames > frames_of(samples):
        raise InvalidInput(f"frames: {start} to {start + frames - 1} are beyond the sound, which has {samples} samples")
    last = windows_of(samples) - 1
    return range(max(0, start - BEFORE - 1) // FPS, min(last, start + frames + AFTER - 2) // FPS + 1)


def rows_for(seconds: range, samples: int) -> range:
    """The rows of all windows of these seconds."""
    rows = rows_of(samples)
    last = min(seconds.stop * FPS, windows_of(samples)) - 1
    return range(first_row(seconds.start * FPS, rows), first_row(last, rows) + ROWS)


def samples_for(rows: range, samples: int) -> range:
    """The samples of the sound on which these rows depend; one more before them is for the pre-emphasis."""
    return range(min(samples, max(0, rows.start * HOP - HALF_FFT - 1)), min(samples, (rows.stop - 1) * HOP + HALF_FFT))
