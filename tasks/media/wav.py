"""Sound as a model gives it, as the bytes of a WAV: mono, 16 bits. Pure; opens no file.

The header is written here and not by libsndfile because assembly needs one that may
still grow beyond 4 GiB. numpy is imported inside functions, so that to enqueue stays light.
"""

from __future__ import annotations

import logging
import math
import struct
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

FULL_SCALE = 32767
"""The largest sample of 16 bits; float 1.0 becomes it."""

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 384_000

SAMPLE_BYTES = 2
RIFF_MAX_BYTES = 0xFFFF_FFFF
"""More than this a RIFF header cannot tell."""

_SEE_DS64 = 0xFFFF_FFFF


def encode_wav(samples: NDArray[np.float32] | NDArray[np.int16], sample_rate: int) -> bytes:
    """Mono `samples` [n], float in −1..1 or int16, at `sample_rate` Hz, as a 16-bit WAV of 44 + 2n bytes.

    Sound beyond ±1 is scaled down to a peak of 1, with a warning: a paragraph that is a
    little quieter goes unnoticed, clipped peaks crackle. Raises `ModelError` for what is
    no sound: empty, not one-dimensional, NaN or infinite, of another type.
    """
    import numpy as np

    _check_sound(samples, sample_rate)
    if samples.dtype != np.int16:
        peak = float(np.max(np.abs(samples)))
        if not math.isfinite(peak):
            raise ModelError("the model gave sound that holds NaN or infinity")
        if peak > 1.0:
            log.warning("sound peaks at %.3g times full scale: scaled down", peak)
        # In float64: rounded in float32, the peak could land beyond int16 and wrap around.
        scaled = samples.astype(np.float64) * (FULL_SCALE / max(peak, 1.0))
        samples = np.rint(scaled).astype(np.int16)
    return wav_header(len(samples), sample_rate) + samples.astype("<i2", copy=False).tobytes()


def _check_sound(samples: Any, sample_rate: int) -> None:
    import numpy as np

    if not isinstance(samples, np.ndarray) or not (samples.dtype == np.int16 or samples.dtype.kind == "f"):
        kind = getattr(samples, "dtype", type(samples).__name__)
        raise ModelError(f"the model gave {kind} for sound; float32 or int16 samples would do")
    if samples.ndim != 1:
        raise ModelError(f"the model gave sound of shape {samples.shape}; mono samples [n] would do")
    if len(samples) == 0:
        raise ModelError("the model gave no sound: 0 samples")
    if not MIN_RATE_HZ <= sample_rate <= MAX_RATE_HZ:
        raise ModelError(f"the model gave a sample rate of {sample_rate} Hz; {MIN_RATE_HZ} to {MAX_RATE_HZ} would do")


def wav_header(frames: int, sample_rate: int, *, growing: bool = False) -> bytes:
    """The header of a 16-bit mono WAV of `frames` samples.

    44 bytes, the form that every reader knows. With `growing`, 80 bytes whatever the
    length, so that it can be written before the length is known and again after: RIFF
    with an empty JUNK chunk, or, beyond 4 GiB, RF64 with the true sizes in that chunk's
    place (EBU Tech 3306). Raises `ModelError` beyond 4 GiB if it may not grow.
    """
    data_bytes = SAMPLE_BYTES * frames
    byte_rate = SAMPLE_BYTES * sample_rate
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, byte_rate, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    room = struct.pack("<4sI28x", b"JUNK", 28) if growing else b""
    riff_bytes = len(b"WAVE") + len(room) + len(form) + 8 + data_bytes
    if riff_bytes <= RIFF_MAX_BYTES:
        riff = struct.pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE")
        return riff + room + form + struct.pack("<4sI", b"data", data_bytes)
    if not growing:
        raise ModelError(f"the model gave {frames} samples at once, more than a WAV file can hold")
    riff = struct.pack("<4sI4s", b"RF64", _SEE_DS64, b"WAVE")
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, riff_bytes, data_bytes, frames, 0)
    return riff + sizes + form + struct.pack("<4sI", b"data", _SEE_DS64)
