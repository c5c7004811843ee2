"""Encodes pictures as the files of an archive: zip, stored, `frame_%06d.jpg` or `.png`, numbered from the first."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

from tasks.media.film.pyav import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def encode_pictures(frames: Iterable[NDArray[np.uint8]], start: int, format: str) -> bytes:
    """Encode pictures, uint8 BGR `[height, width, 3]`; `format` is `jpg` or `png`, `start` the number of the first."""
    av = load("film")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, picture in enumerate(frames, start):
            codec = av.CodecContext.create("mjpeg" if format == "jpg" else "png", "w")
            codec.height, codec.width = picture.shape[:2]
            codec.pix_fmt = "yuvj420p" if format == "jpg" else "rgb24"
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=codec.pix_fmt)
            codec.time_base = Fraction(1, 25)
            data = b"".join(bytes(p) for p in [*codec.encode(frame), *codec.encode(None)])
            archive.writestr(f"frame_{number:06d}.{format}", data)
    return out.getvalue()
