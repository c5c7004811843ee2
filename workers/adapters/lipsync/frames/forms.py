"""The forms that frames are prepared in: writes frames in one, and measures how long a form takes to decode.

JPEG and film lose a little of the picture, which no one sees after the film is encoded; BMP loses nothing, and takes
2.8 MB for a frame of 1280×720. cv2 is imported inside functions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tasks.media.encoding import Encoding
from workers.adapters.lipsync.frames.source import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Read: TypeAlias = Callable[[int], NDArray[np.uint8]]

GROUP = 12
"""Frames of a film between two that need no other one: backwards, so many are decoded at once, and held."""
QUALITY = 95
CRF = 14
ROUNDS = 2


class Form(Protocol):
    """A form of frames on the disk."""

    @property
    def name(self) -> str:
        """`jpg`, `bmp` or `film`."""

    def write(self, read: Read, numbers: Sequence[int], folder: Path, step: Callable[[], object]) -> list[str]:
        """Write these frames, in order, into the folder, and call `step` after each; returns the files' names."""


@dataclass(frozen=True)
class PictureForm:
    """A file for each frame, with all cores: `jpg` of a quality of 1 to 100, or `bmp`."""

    name: str
    quality: int = QUALITY

    def write(self, read: Read, numbers: Sequence[int], folder: Path, step: Callable[[], object]) -> list[str]:
        """See `Form`."""
        import cv2

        options = [cv2.IMWRITE_JPEG_QUALITY, self.quality] if self.name == "jpg" else []

        def write_one(place: int, number: int) -> str:
            name = f"{place:06d}.{self.name}"
            _, data = cv2.imencode(f".{self.name}", read(number), options)
            (folder / name).write_bytes(data.tobytes())
            return name

        names = []
        threads = ThreadPoolExecutor(os.cpu_count())
        try:
            for name in threads.map(write_one, range(len(numbers)), numbers):
                names.append(name)
                step()
        finally:
            threads.shutdown(cancel_futures=True)
        return names


@dataclass(frozen=True)
class FilmForm:
    """One film of H.264, which can be read backwards too."""

    name: str = "film"
    crf: int = CRF

    def write(self, read: Read, numbers: Sequence[int], folder: Path, step: Callable[[], object]) -> list[str]:
        """See `Form`; raises `MissingExtra` without PyAV."""
        from tasks.media.film.encode import encode_stretch
        from tasks.media.film.join import FilmWriter

        def frames(part: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
            for number in part:
                yield read(number)
                step()

        name, encoding = "frames.mp4", Encoding(preset="medium", crf=self.crf)
        with FilmWriter(folder / name, None, fragmented=False) as film:
            for begin in range(0, len(numbers), GROUP):
                film.add(encode_stretch(frames(numbers[begin : begin + GROUP]), encoding).data)
            film.finish()
        return [name]


def decode_s(source: Source, numbers: Sequence[int]) -> float:
    """Seconds of a core that a frame takes to decode, the mean of forwards and backwards: the best of some rounds."""
    others = numbers[1:] or numbers  # one that is alone is read again
    taken = min(_round_s(source, numbers[0], (others, others[::-1])) for _ in range(ROUNDS))
    return taken / (2 * len(others))


def _round_s(source: Source, first: int, ways: Sequence[Sequence[int]]) -> float:
    """The seconds of reading in these orders. A film keeps what it has decoded last, so it is closed before each."""
    taken = 0.0
    for numbers in ways:
        source.close()
        source.read(first)  # a film is opened by it
        started = process_time()
        for number in numbers:
            source.read(number)
        taken += process_time() - started
    return taken
