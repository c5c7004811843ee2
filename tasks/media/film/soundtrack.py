"""Makes the sound of a film: encodes a sound of any format as AAC, as far as the pictures go.

It keeps its channels, at most two, and its rate or a multiple of it. It is cut, or filled up with silence, to the
length of the pictures. It is read and encoded a piece at a time, so memory does not grow with its length. Writes no
file (`tasks/media/film/mp4.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.media.film.encoders import FPS
from tasks.media.film.pyav import load
from tasks.media.film.sound import probe_sound, sound_samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_SAMPLES = 1024
"""Samples of one packet of AAC. An encoder begins with a packet of silence, so its times begin at minus this."""

RATES = (32_000, 44_100, 48_000)
"""The rates of the sound of a film: with all of them a packet is shorter than a picture is shown, which is 40 ms."""

_BITS_PER_SAMPLE, _MOST_BITS = 4, 96_000
"""The bit rate of one channel, by the rate of the sound itself: 96 kbit/s from 24,000 Hz on."""


def rate_for(rate: int) -> int:
    """The one of `RATES` for a sound: its own, or one that it divides, or the next higher one, or the highest."""
    fitting = [one for one in RATES if one % rate == 0]
    return fitting[0] if fitting else next((one for one in RATES if one >= rate), RATES[-1])


class Soundtrack:
    """The sound of one film; `begin` opens it, and then `until` gives its packets, in order.

    `rate` and `channels` are known once it has begun.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self._path, self._name = path, name
        self.rate = 0
        self.channels = 0
        self._bits = 0
        self._encoder: Any = None
        self._samples: Iterator[NDArray[np.float32]] = iter(())
        self._held: list[NDArray[np.float32]] = []
        self._held_samples = 0
        self._done = 0

    def begin(self) -> None:
        """Open the file; raises `InvalidInput` if it is no sound."""
        about = probe_sound(self._path, self._name)
        self.rate = rate_for(about.rate)
        self._bits = min(_BITS_PER_SAMPLE * about.rate, _MOST_BITS)
        self.channels = min(about.channels, 2)
        self._samples = sound_samples(self._path, self.rate, self.channels, "fltp", self._name)
        self._encoder = load("film").CodecContext.create("aac", "w")
        self.configure(self._encoder)

    def configure(self, encoder: Any) -> None:
        """Set up an encoder that is not open yet like the one of this sound."""
        encoder.sample_rate, encoder.time_base = self.rate, Fraction(1, self.rate)
        encoder.layout, encoder.format = "mono" if self.channels == 1 else "stereo", "fltp"
        encoder.bit_rate = self.channels * self._bits

    def until(self, frames: int, *, is_end: bool = False) -> list[Any]:
        """The packets that follow, up to the end of so many frames of film in all; at its end also the last of them."""
        end = round(Fraction(frames * self.rate, FPS))
        packets = []
        while self._done + FRAME_SAMPLES <= end or (is_end and self._done < end):
            packets += self._encode(min(FRAME_SAMPLES, end - self._done))
        if is_end:
            packets += self._encoder.encode(None)
        return packets

    def _encode(self, count: int) -> list[Any]:
        frame = load("film").AudioFrame.from_ndarray(self._take(count), format="fltp", layout=self._encoder.layout.name)
        frame.sample_rate, frame.time_base, frame.pts = self.rate, Fraction(1, self.rate), self._done
        self._done += count
        packets: list[Any] = self._encoder.encode(frame)
        return packets

    def _take(self, count: int) -> NDArray[np.float32]:
        import numpy as np

        while self._held_samples < count:
            samples = next(self._samples, None)
            if samples is None:
                samples = np.zeros((self.channels, count - self._held_samples), np.float32)
            self._held.append(samples)
            self._held_samples += samples.shape[1]
        held = np.concatenate(self._held, axis=1) if len(self._held) > 1 else self._held[0]
        self._held, self._held_samples = [held[:, count:]], held.shape[1] - count
        return np.ascontiguousarray(held[:, :count])
