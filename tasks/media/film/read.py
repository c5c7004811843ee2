"""Reads the frames of a film by their numbers: one after another in either direction, or any one.

A film is decoded from a picture on that needs no other (a key picture). So the next frame costs one picture, and a jump
costs those since the key picture before it. The last `HELD_FRAMES` that were decoded are kept: backwards, a run of
frames is decoded at once. Nothing else is kept, however long the film is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tasks.media.film.pyav import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HELD_FRAMES = 32
"""They are kept as luma and chroma: 1.4 MB each at 1280×720."""

_FORMATS = "avi,matroska,mov,webm"
"""The formats of FFmpeg that are read: they have a table of contents, and none opens another file or an address."""


class FilmFrames:
    """The frames of a film: `count` of `size` (width, height) in pixels. Their numbers begin at 0.

    For one thread at a time; several may read one file through a `FilmFrames` each. Close it at the end. To open it
    reads the whole file once, without decoding it, to find its frames. Raises `ValueError`, one line, for a file that
    is no film or is damaged, and `MissingExtra` without PyAV.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        av = load("film")
        self._name, self._threads = path.name, threads
        try:
            self._container = av.open(
                f"file:{path}", options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
            )
        except (av.FFmpegError, OSError) as exc:
            raise ValueError(f"{path.name}: cannot be read as film: {exc.strerror}") from exc
        try:
            self._stream = self._container.streams.best("video")
            if self._stream is None:
                raise ValueError(f"{path.name}: has no pictures")
            self._times, self._keys = self._index()
        except BaseException:
            self._container.close()
            raise
        self._numbers = {time: number for number, time in enumerate(self._times)}
        self._stream.codec_context.thread_count = threads  # by default FFmpeg takes one for each core of the machine
        self._convert = av.video.reformatter.VideoReformatter().reformat
        self._held: OrderedDict[int, Any] = OrderedDict()
        self._decoder: Iterator[Any] | None = None
        self._next = 0
        """The number of the frame that the decoder gives next."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def count(self) -> int:
        """The number of frames."""
        return len(self._times)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._stream.codec_context.width, self._stream.codec_context.height

    def read(self, number: int) -> NDArray[np.uint8]:
        """The frame as uint8 BGR `[height, width, 3]`, which the caller owns. Rounding makes it about one level darker.

        Raises `IndexError` for a number that it has not, and `ValueError` where the film is damaged.
        """
        if not 0 <= number < self.count:
            raise IndexError(f"{self._name}: has no frame {number}; it has {self.count}")
        if number not in self._held:
            self._decode_to(number)
        frame = self._held[number]
        if frame.is_corrupt:
            raise self._damaged(number)
        picture: NDArray[np.uint8] = self._convert(frame, format="bgr24", threads=self._threads).to_ndarray()
        return picture

    def close(self) -> None:
        """Close the file, and let go of the frames."""
        self._held.clear()
        self._decoder = None
        self._container.close()

    def _index(self) -> tuple[list[int], list[int]]:
        """The times of all frames in the order of showing, and those of the key pictures."""
        av = load("film")
        times, keys = [], []
        try:
            for packet in self._container.demux(self._stream):
                time = packet.dts if packet.pts is None else packet.pts
                if time is None or not packet.size or packet.is_discard:
                    continue
                times.append(time)
                if packet.is_keyframe:
                    keys.append(time)
        except av.FFmpegError as exc:
            raise ValueError(f"{self._name}: is damaged after frame {len(times)}: {exc.strerror}") from exc
        if not keys:
            raise ValueError(f"{self._name}: has no pictures")
        return sorted(set(times)), sorted(keys)

    def _decode_to(self, number: int) -> None:
        """Decode up to the frame, and keep it and the last ones before it."""
        key = bisect_right(self._keys, self._times[number]) - 1
        key_number = self._numbers[self._keys[max(key, 0)]]
        if self._decoder is None or not key_number <= self._next <= number:
            self._jump(key_number)
        for now, frame in self._frames(number):
            self._held[now] = frame
            self._held.move_to_end(now)
            if len(self._held) > HELD_FRAMES:
                self._held.popitem(last=False)
            self._next = now + 1
            if now == number:
                return
        self._decoder = None
        raise self._damaged(number)

    def _jump(self, key_number: int) -> None:
        self._container.seek(self._times[key_number], stream=self._stream)
        self._decoder = self._container.decode(self._stream)

    def _frames(self, number: int) -> Iterator[tuple[int, Any]]:
        """The frames that the decoder gives, with their numbers; those that a broken start spoils are left out."""
        av = load("film")
        assert self._decoder is not None, "a jump comes first"
        try:
            for frame in self._decoder:
                time = frame.dts if frame.pts is None else frame.pts
                now = self._numbers.get(time)
                if now is not None:
                    yield now, frame
                if now is not None and now > number:
                    return
        except av.FFmpegError as exc:
            self._decoder = None
            raise self._damaged(number) from exc

    def _damaged(self, number: int) -> ValueError:
        return ValueError(f"{self._name}: is damaged: frame {number} of {self.count} cannot be decoded")
