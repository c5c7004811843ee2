"""Encodes pictures as a stretch of film: H.264 without sound in mp4, 25 frames a second, colours of BT.709.

Stretches of the same size and encoding can be joined without encoding them again: each begins with a picture that
needs no other, and no picture needs a later one. The same pictures become the same bits. PyAV is imported inside
functions.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelError
from tasks.media.encoding import Encoding
from tasks.media.film.encoders import BT_709, FPS, ROUNDED, configure, encoder_of
from tasks.media.film.pyav import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FPS", "Stretch", "encode_stretch"]


@dataclass(frozen=True)
class Stretch:
    """An encoded stretch: an mp4 file, and its size in pixels and frames."""

    data: bytes
    width: int
    height: int
    frames: int


def encode_stretch(frames: Iterable[NDArray[np.uint8]], encoding: Encoding) -> Stretch:
    """Encode pictures, uint8 BGR `[height, width, 3]`, all of one size; they may be made one by one.

    H.264 needs even sides: the last column or row of an odd one is repeated. Raises `ModelError` if there are no
    pictures, or if they differ in size, and `MissingExtra` if the encoder does not work here.
    """
    return encode_frames(map(_Converter().to_frame, frames), encoding)


def encode_frames(frames: Iterable[Any], encoding: Encoding) -> Stretch:
    """Encode frames of PyAV in yuv420p, all of one size; raises the errors of `encode_stretch`."""
    av = load("film")
    name, out, count, stream = encoder_of(encoding.encoder), io.BytesIO(), 0, None
    try:
        with av.open(out, "w", format="mp4") as container:
            for frame in frames:
                if stream is None:
                    stream = container.add_stream(name, rate=FPS)
                    configure(stream.codec_context, frame.width, frame.height, encoding)
                frame.pts, frame.time_base = count, Fraction(1, FPS)
                count += 1
                container.mux(stream.encode(frame))
            if stream is None:
                raise ModelError("the model made a film without frames")
            container.mux(stream.encode(None))
    except av.FFmpegError as exc:
        raise ModelError(f"{name} cannot encode this film with {encoding} ({exc.strerror})") from exc
    return Stretch(out.getvalue(), stream.width, stream.height, count)


_CONVERSION = {"dst_colorspace": BT_709, "interpolation": ROUNDED, "threads": 1}


class _Converter:
    """Makes frames of a film from pictures, all of one size."""

    def __init__(self) -> None:
        self._reformatter: Any = None
        self._shape: tuple[int, ...] | None = None

    def to_frame(self, picture: NDArray[np.uint8]) -> Any:
        """A frame of yuv420p from a picture, uint8 BGR `[height, width, 3]`; raises `ModelError` for another one."""
        import numpy as np

        av = load("film")
        self._check(picture)
        height, width = picture.shape[:2]
        if height % 2 or width % 2:
            picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(picture), format="bgr24")
        # One for all pictures: it keeps the tables that it made for the first one.
        self._reformatter = self._reformatter or av.video.reformatter.VideoReformatter()
        return self._reformatter.reformat(frame, format="yuv420p", **_CONVERSION)

    def _check(self, picture: NDArray[np.uint8]) -> None:
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype.name != "uint8" or not picture.size:
            raise ModelError(f"a frame is {picture.dtype} {list(picture.shape)}; it must be uint8 [height, width, 3]")
        if self._shape is not None and picture.shape != self._shape:
            (height, width), (now_high, now_wide) = self._shape[:2], picture.shape[:2]
            raise ModelError(f"a frame is {now_wide}×{now_high}, but the frames before it are {width}×{height}")
        self._shape = picture.shape
