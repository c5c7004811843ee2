"""Encodes pictures as the files of an archive: zip, stored, `frame_%06d.jpg` or `.png`, numbered from the first.

PNG holds each picture bit for bit. JPEG holds it with the smallest loss that its encoder knows, with half the sharpness
of colours. The same pictures become the same bits. One picture is in memory beside the archive.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelError
from tasks.media.film.encoders import FPS, ROUNDED
from tasks.media.film.pyav import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ENCODERS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "jpg": ("mjpeg", "yuvj420p", {"qmin": "2", "qmax": "2", "huffman": "default"}),
    "png": ("png", "rgb24", {"compression_level": "1", "pred": "up"}),
}
"""Format -> FFmpeg's encoder, what it takes, and its options. PNG: ten times faster than by default, a third larger."""


def encode_pictures(frames: Iterable[NDArray[np.uint8]], start: int, format: str) -> bytes:
    """Encode pictures, uint8 BGR `[height, width, 3]`, all of one size; they may be made one by one.

    `format` is `jpg` or `png`, and `start` the number of the first. Raises `ModelError` if they differ in size.
    """
    out, encoder = io.BytesIO(), None
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, picture in enumerate(frames, start):
            encoder = encoder or _Encoder(picture, format)
            file = zipfile.ZipInfo(f"frame_{number:06d}.{format}")  # without the time at which it was made
            file.external_attr = 0o644 << 16
            archive.writestr(file, encoder.encode(picture))
    return out.getvalue()


class _Encoder:
    """An encoder of pictures like the first one."""

    def __init__(self, first: NDArray[np.uint8], format: str) -> None:
        av = load("film")
        name, self._form, options = _ENCODERS[format]
        self._shape = first.shape
        self._count = 0
        self._convert = av.video.reformatter.VideoReformatter().reformat
        self._context: Any = av.CodecContext.create(name, "w")
        self._context.height, self._context.width = first.shape[:2]
        self._context.pix_fmt, self._context.time_base = self._form, Fraction(1, FPS)
        self._context.thread_count, self._context.options = 1, dict(options)

    def encode(self, picture: NDArray[np.uint8]) -> bytes:
        """The bytes of a picture's file."""
        import numpy as np

        if picture.shape != self._shape:
            raise ModelError(
                f"a picture is {picture.shape[1]}×{picture.shape[0]}, the first {self._shape[1]}×{self._shape[0]}"
            )
        frame = load("film").VideoFrame.from_numpy_buffer(np.ascontiguousarray(picture), format="bgr24")
        frame = self._convert(frame, format=self._form, interpolation=ROUNDED, threads=1)
        frame.pts, frame.time_base = self._count, Fraction(1, FPS)
        self._count += 1
        return b"".join(bytes(packet) for packet in self._context.encode(frame))
