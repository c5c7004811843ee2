"""Encodes the sound of a model as the bytes of a WAV: mono, 16 bits; and finds the samples in one. Opens no file.

The header is written here and not by libsndfile, because joining needs a header for files
that grow beyond 4 GiB. numpy is imported inside functions, so that a producer need not load it.
"""

from __future__ import annotations

import io
import logging
import math
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

from tasks.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

FULL_SCALE = 32767
"""The largest sample of 16 bits; a float of 1.0 becomes this value."""

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 384_000

SAMPLE_BYTES = 2
RIFF_MAX_BYTES = 0xFFFF_FFFF
"""The largest size in a RIFF header."""

_SEE_DS64 = 0xFFFF_FFFF
_PLAIN_BYTES = 44
"""The length of the shortest header."""


def encode_wav(samples: NDArray[np.float32] | NDArray[np.int16], sample_rate: int) -> bytes:
    """Mono `samples` [n], float in −1..1 or int16, at `sample_rate` Hz, as a 16-bit WAV of 44 + 2n bytes.

    Sound beyond ±1 is scaled down to a peak of 1, with a warning: clipped peaks would
    crackle, but a slightly quieter paragraph is not noticed. Raises `ModelError` for samples
    that are empty, not one-dimensional, NaN or infinite, or of another type.
    """
    import numpy as np

    _check_sound(samples, sample_rate)
    if samples.dtype != np.int16:
        peak = float(np.max(np.abs(samples)))
        if not math.isfinite(peak):
            raise ModelError("the model returned sound with NaN or infinity")
        if peak > 1.0:
            log.warning("sound peaks at %.3g times full scale: scaled down", peak)
        # In float64: in float32 the peak could be rounded to a value beyond int16, and wrap around.
        scaled = samples.astype(np.float64) * (FULL_SCALE / max(peak, 1.0))
        samples = np.rint(scaled).astype(np.int16)
    return wav_header(len(samples), sample_rate) + samples.astype("<i2", copy=False).tobytes()


def _check_sound(samples: Any, sample_rate: int) -> None:
    import numpy as np

    if not isinstance(samples, np.ndarray) or not (samples.dtype == np.int16 or samples.dtype.kind == "f"):
        kind = getattr(samples, "dtype", type(samples).__name__)
        raise ModelError(f"the model returned {kind} as sound; it must return float32 or int16 samples")
    if samples.ndim != 1:
        raise ModelError(f"the model returned sound of shape {samples.shape}; it must return mono samples [n]")
    if len(samples) == 0:
        raise ModelError("the model returned no sound: 0 samples")
    if not MIN_RATE_HZ <= sample_rate <= MAX_RATE_HZ:
        raise ModelError(f"the model returned a sample rate of {sample_rate} Hz, not {MIN_RATE_HZ} to {MAX_RATE_HZ}")


def wav_header(frames: int, sample_rate: int, *, growing: bool = False) -> bytes:
    """The header of a 16-bit mono WAV of `frames` samples.

    It has 44 bytes, the form that every player reads. With `growing` it always has 80 bytes,
    so that it can be written before the length is known, and overwritten later: RIFF with an
    empty JUNK chunk, or, beyond 4 GiB, RF64 with the real sizes in the place of that chunk
    (EBU Tech 3306). Raises `ModelError` beyond 4 GiB without `growing`.
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
        raise ModelError(f"the model returned {frames} samples at once, more than a WAV file can hold")
    riff = struct.pack("<4sI4s", b"RF64", _SEE_DS64, b"WAVE")
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, riff_bytes, data_bytes, frames, 0)
    return riff + sizes + form + struct.pack("<4sI", b"data", _SEE_DS64)


def plain_samples(file: BinaryIO) -> tuple[int, int] | None:
    """(sample rate in Hz, bytes of samples) if the file is a whole WAV of 16 bits, mono; it then stands at its samples.

    None for every other form of sound, also for a WAV whose header says more or less than what is there.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size < _PLAIN_BYTES or not _is_riff(file.read(12)):
        return None
    rate = 0
    while len(head := file.read(8)) == 8:
        chunk, chunk_bytes = struct.unpack("<4sI", head)
        if chunk == b"data":
            is_whole = chunk_bytes % SAMPLE_BYTES == 0 and file.tell() + chunk_bytes <= size
            return (rate, chunk_bytes) if rate and is_whole else None
        if chunk == b"fmt " and chunk_bytes >= 16:
            form, channels, rate, _, _, bits = struct.unpack("<HHIIHH", file.read(16))
            if (form, channels, bits) != (1, 1, 8 * SAMPLE_BYTES):
                return None
            chunk_bytes -= 16
        file.seek(chunk_bytes + chunk_bytes % 2, io.SEEK_CUR)
    return None


def _is_riff(start: bytes) -> bool:
    return start[:4] == b"RIFF" and start[8:] == b"WAVE"
