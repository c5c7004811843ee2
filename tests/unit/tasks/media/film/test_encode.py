"""A stretch of film: what it shows is what was given, and every frame is there at its time."""

from __future__ import annotations

import io

import av
import numpy as np

from tasks.media.encoding import Encoding
from tasks.media.film.encode import encode_stretch


def test_a_stretch_has_its_pictures_in_order_forty_milliseconds_each() -> None:
    levels = (40, 90, 140, 190)
    stretch = encode_stretch((np.full((48, 64, 3), level, np.uint8) for level in levels), Encoding())
    assert (stretch.width, stretch.height, stretch.frames) == (64, 48, 4)
    with av.open(io.BytesIO(stretch.data)) as film:
        frames = list(film.decode(video=0))
    assert [round(frame.time * 1000) for frame in frames] == [0, 40, 80, 120]
    shown = [frame.to_ndarray(format="bgr24").mean() for frame in frames]
    assert all(abs(seen - level) < 4 for seen, level in zip(shown, levels, strict=True)), shown
