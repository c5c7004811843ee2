"""Encodes pictures as a stretch of film: H.264 without sound in mp4, 25 frames a second.

Stretches of the same size and encoding can be joined without encoding them again: each begins with a picture that
needs no other, and no picture needs a later one. PyAV is imported inside functions.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.errors import ModelError
from tasks.media.encoding import Encoding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FPS = 25


@dataclass(frozen=True)
class Stretch:
    """An encoded stretch: an mp4 file, and its size in pixels and frames."""

    data: bytes
    width: int
    height: int
    frames: int


def encode_stretch(frames: Iterable[NDArray[np.uint8]], encoding: Encoding) -> Stretch:
    """Encode pictures, uint8 BGR `[height, width, 3]`, all of one size with even sides."""
    import av

    out, count, stream = io.BytesIO(), 0, None
    name = "libx264" if encoding.encoder == "auto" else encoding.encoder
    with av.open(out, "w", format="mp4") as container:
        for picture in frames:
            if stream is None:
                stream = container.add_stream(name, rate=FPS)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"preset": encoding.preset, "crf": str(encoding.crf), "bf": "0"}
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = count
            count += 1
            container.mux(stream.encode(frame))
        if stream is None:
            raise ModelError("the model made a film without frames")
        container.mux(stream.encode(None))
    return Stretch(out.getvalue(), stream.width, stream.height, count)
