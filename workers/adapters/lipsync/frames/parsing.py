"""Pixels of a face that stay as they are: read from the pictures in `parsing/`, where a folder has them.

There is one picture for each frame, of the same size; its pixels in pure red or pure white are hair or hands, for
example, in front of the face. Of each picture only the bits inside of the face are kept in memory, some kilobytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workers.adapters.lipsync.frames.source import Pictures
from workers.adapters.lipsync.rectangles import Rectangle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RED, WHITE = (0, 0, 255), (255, 255, 255)
"""Blue, green, red."""


class Parsing:
    """Which pixels of each frame stay. Several threads may use it; two of them may then read the same picture."""

    def __init__(self, files: Sequence[Path], size: tuple[int, int]) -> None:
        self._pictures = Pictures(files, size)
        self._read: dict[int, NDArray[np.uint8]] = {}

    def kept(self, number: int, at: Rectangle) -> NDArray[np.bool_] | None:
        """True for the pixels of the rectangle that stay as they are, `[height, width]`; None without pictures."""
        import numpy as np

        if not self._pictures.count:
            return None
        packed = self._read.get(number)
        if packed is None:
            inside = self._pictures.read(number)[at.top : at.bottom, at.left : at.right]
            packed = self._read[number] = np.packbits((inside == RED).all(axis=2) | (inside == WHITE).all(axis=2))
        flat = np.unpackbits(packed, count=at.width * at.height)
        return flat.reshape(at.height, at.width).astype(np.bool_)
