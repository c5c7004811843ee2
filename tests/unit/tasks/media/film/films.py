"""What the tests of film share: small stretches, sounds with a click, and what a film holds."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.media.encoding import Encoding
from tasks.media.film.encode import encode_stretch

AUTO = Encoding()

STEP = 4
"""Two levels that follow each other differ by this: more than H.264 changes a flat picture."""


_DARKER = 1
"""From a film to BGR, FFmpeg's quick way takes this from a level."""


def level(number: int) -> int:
    """How bright the frame with this number is."""
    return 20 + STEP * (number % 53)


def stretch(start: int, frames: int, encoding: Encoding = AUTO, side: int = 64) -> bytes:
    """A stretch of flat pictures that tell their numbers by their levels."""
    pictures = (np.full((side, side, 3), level(start + number), np.uint8) for number in range(frames))
    return encode_stretch(pictures, encoding).data


def click_at(path: Path, click_s: float, length_s: float, rate: int, channels: int = 1) -> Path:
    """A sound of silence with 20 ms of a loud level."""
    samples = np.zeros((round(length_s * rate), channels), np.float32)
    samples[round(click_s * rate) :][: rate // 50] = 0.5
    soundfile.write(path, samples, rate)
    return path


@dataclass(frozen=True)
class Seen:
    """What a film holds: the times of its frames in ms and their levels; its sound, and its lengths in seconds."""

    times_ms: list[int]
    levels: list[float]
    sound: NDArray[np.float32] | None
    rate: int
    lengths_s: dict[str, float]

    @property
    def onset_s(self) -> float:
        """When the sound becomes loud."""
        assert self.sound is not None
        return float(np.argmax(np.abs(self.sound).max(axis=0) > 0.1)) / self.rate

    def shows(self, *numbers: int) -> bool:
        """Whether these are the frames, in order."""
        return len(self.levels) == len(numbers) and all(
            abs(seen + _DARKER - level(number)) < STEP / 2 for seen, number in zip(self.levels, numbers, strict=True)
        )


def seen(film: Path | bytes) -> Seen:
    """Decode a whole film."""
    with _opened(film) as container:
        frames = list(container.decode(video=0))
        lengths = {one.type: float(one.duration * one.time_base) for one in container.streams}
    sound, rate = None, 0
    if "audio" in lengths:
        with _opened(film) as container:
            heard = list(container.decode(audio=0))
        assert heard[0].pts == 0, "the silence of the encoder is not heard"
        sound, rate = np.concatenate([one.to_ndarray() for one in heard], axis=1), heard[0].sample_rate
    return Seen(
        [round(frame.time * 1000) for frame in frames],
        [float(frame.to_ndarray(format="bgr24").mean()) for frame in frames],
        sound,
        rate,
        lengths,
    )


def _opened(film: Path | bytes) -> Any:
    return av.open(io.BytesIO(film) if isinstance(film, bytes) else str(film))


class WriteOnly(io.RawIOBase):
    """A stream like a pipe: it can be written to, and nothing else; `parts` is what each write gave."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation("seek")

    @property
    def data(self) -> bytes:
        return b"".join(self.parts)


def as_file(stream: WriteOnly) -> BinaryIO:
    """The stream for those who take a binary file."""
    return stream  # type: ignore[return-value]
