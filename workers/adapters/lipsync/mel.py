"""The mel windows of a sound, as the faces were trained with them: 80 bands, 16 rows of 12.5 ms. Numpy alone.

Rows are computed a second at a time on the grid of the whole sound, always with arrays of the same shapes. So a row has
the same bits whichever part of the sound is at hand.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.errors import InvalidInput
from tasks.messages.lipsync import FPS, SOUND_RATE
from workers.adapters.lipsync.windows import (
    HALF_FFT,
    HOP,
    ROWS,
    ROWS_A_SECOND,
    SHORTEST,
    first_row,
    rows_for,
    rows_of,
    samples_for,
    windows_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

BANDS = 80
LOWEST_HZ, HIGHEST_HZ = 55.0, 7600.0
FFT = 2 * HALF_FFT
EMPHASIS = 0.97

ROWS_A_PRODUCT = 8
"""OpenBLAS computes larger products with a thread on each core, which then spin: 5 ms of CPU for 0.1 ms of work."""

LINEAR_HZ, LOG_FROM_HZ, LOG_STEP = 200.0 / 3, 1000.0, np.log(6.4) / 27
"""The mel scale of Slaney's toolbox: linear below 1,000 Hz, then logarithmic."""


@dataclass(frozen=True)
class SoundPart:
    """A part of a sound of `total` samples: int16 mono `[n]` at 16,000 Hz, which begins at sample `at` of the sound."""

    samples: NDArray[np.int16]
    at: int
    total: int

    def covers(self, wanted: range) -> bool:
        """Whether all these samples are in it."""
        return not wanted or (self.at <= wanted.start and wanted.stop <= self.at + len(self.samples))

    def emphasised(self, begin: int, end: int) -> NDArray[np.float64]:
        """Samples `begin` to `end` after the pre-emphasis: 0 outside the sound, and where this part has none."""
        plain = np.zeros(end - begin + 1)
        first, last = max(begin - 1, self.at), min(end, self.at + len(self.samples))
        if first < last:
            plain[first - begin + 1 : last - begin + 1] = self.samples[first - self.at : last - self.at]
        made = (plain[1:] - EMPHASIS * plain[:-1]) / 32768.0
        made[max(0, max(self.total, SHORTEST) - begin) :] = 0.0  # the padding follows after the pre-emphasis
        return made


def mel_windows(part: SoundPart, seconds: range) -> NDArray[np.float32]:
    """The windows of whole seconds, `[25 * seconds, 80, 16]`; zeros behind the sound's last one.

    Raises `InvalidInput` if the part has not all samples on which they depend.
    """
    wanted = rows_for(seconds, part.total)
    needed = samples_for(wanted, part.total)
    if not part.covers(needed):
        raise InvalidInput(
            f"sounds: they hold samples {part.at} to {part.at + len(part.samples)} of the sound,"
            f" and the stretch needs {needed.start} to {needed.stop}"
        )
    base = wanted.start // ROWS_A_SECOND
    rows = np.concatenate([mel_rows(part, second) for second in range(base, -(-wanted.stop // ROWS_A_SECOND))])
    return _windows(rows, base * ROWS_A_SECOND, seconds, part.total)


def mel_rows(part: SoundPart, second: int) -> NDArray[np.float32]:
    """The 80 rows that begin in this second, `[80, bands]`, in −4..4."""
    begin = second * SOUND_RATE - HALF_FFT
    samples = part.emphasised(begin, begin + (ROWS_A_SECOND - 1) * HOP + FFT)
    framed = np.lib.stride_tricks.sliding_window_view(samples, FFT)[::HOP]
    magnitudes = np.abs(np.fft.rfft(framed * _hann(), axis=1)).reshape(-1, ROWS_A_PRODUCT, FFT // 2 + 1)
    loudness = 20.0 * np.log10(np.maximum(1e-5, (magnitudes @ _filters()).reshape(-1, BANDS))) - 20.0
    return np.clip(8.0 * (loudness + 100.0) / 100.0 - 4.0, -4.0, 4.0).astype(np.float32)


def _windows(rows: NDArray[np.float32], at: int, seconds: range, samples: int) -> NDArray[np.float32]:
    """The windows out of rows, of which the first is row `at` of the sound."""
    made = np.zeros((len(seconds) * FPS, BANDS, ROWS), np.float32)
    numbers = range(seconds.start * FPS, min(seconds.stop * FPS, windows_of(samples)))
    begins: Sequence[int] = [first_row(number, rows_of(samples)) - at for number in numbers]
    made[: len(numbers)] = np.lib.stride_tricks.sliding_window_view(rows, ROWS, axis=0)[begins]
    return made


@functools.cache
def _hann() -> NDArray[np.float64]:
    """The periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FFT) / FFT)


@functools.cache
def _filters() -> NDArray[np.float64]:
    """Magnitudes `[401]` -> bands `[80]`: triangles on the mel scale, each of the same area."""
    bins = np.arange(FFT // 2 + 1) * (SOUND_RATE / FFT)
    edges = _hertz(np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2))
    slopes = (edges[:, None] - bins) / -np.diff(edges, append=np.inf)[:, None]
    rising, falling = slopes[:-2], -((edges[2:, None] - bins) / -np.diff(edges)[1:, None])
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.ascontiguousarray((triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).T)


def _mel(hertz: float) -> float:
    return (
        float(LOG_FROM_HZ / LINEAR_HZ + np.log(hertz / LOG_FROM_HZ) / LOG_STEP)
        if hertz >= LOG_FROM_HZ
        else (hertz / LINEAR_HZ)
    )


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = LOG_FROM_HZ / LINEAR_HZ
    return np.where(mels < knee, mels * LINEAR_HZ, LOG_FROM_HZ * np.exp(LOG_STEP * (mels - knee)))
