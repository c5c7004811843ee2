"""A tone as a model gives it, and a WAV as the standard library reads it."""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

RATE = 8000


def tone(duration_s: float, amplitude: float = 0.5) -> NDArray[np.float32]:
    """A sine of 200 Hz, whose samples reach the amplitude."""
    return (amplitude * np.sin(2 * np.pi * 200 * np.arange(round(duration_s * RATE)) / RATE)).astype(np.float32)


def decoded(wav: bytes) -> NDArray[np.int16]:
    """The samples of a WAV, as the standard library reads it."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
