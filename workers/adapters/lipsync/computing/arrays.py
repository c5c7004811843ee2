"""The arrays of a batch: filled with what the networks of faces take, and read as what they make.

They are made once and used again for each batch: Python around a network costs about 0.2 ms a frame of 320 pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASK_AT = 5
"""Where the box that hides the mouth begins, in pixels from the left and from the upper edge."""

HEARS = (32, 16, 16)
"""What a frame hears: the features of 16 windows, 16 × 512 numbers in this shape."""


class BatchArrays:
    """The inputs of up to `frames` frames: pictures `[frames, 6, side, side]`, sound `[frames, 32, 16, 16]`."""

    def __init__(self, frames: int, side: int, dtype: str) -> None:
        self.pictures: NDArray[Any] = np.zeros((frames, 6, side, side), dtype)
        self.hears: NDArray[Any] = np.zeros((frames, *HEARS), dtype)
        self._scaled = np.empty((3, side, side), np.float32)

    def fill(self, at: int, faces: NDArray[np.uint8], features: NDArray[np.float32]) -> None:
        """Frames from place `at` on: cut faces `[n, 3, side, side]`, and what they hear, `[n + 15, 512]`.

        The network gets the face, 0..1, and the face with a black box, which hides the mouth. The box leaves 5 pixels
        at the left, right and upper edge, and 10 at the lower one; it is always 0 here.
        """
        side = faces.shape[-1]
        upper, lower, left, right = MASK_AT, side - 2 * MASK_AT, MASK_AT, side - MASK_AT
        for face, made in zip(faces, self.pictures[at:], strict=False):
            seen, masked = made[:3], made[3:]
            seen[...] = face
            seen /= np.float32(255)
            masked[:, :upper] = seen[:, :upper]
            masked[:, lower:] = seen[:, lower:]
            masked[:, upper:lower, :left] = seen[:, upper:lower, :left]
            masked[:, upper:lower, right:] = seen[:, upper:lower, right:]
        windows = np.lib.stride_tricks.sliding_window_view(features, len(features) - len(faces) + 1, axis=0)
        heard = self.hears[at : at + len(faces)].reshape(len(faces), -1, features.shape[1])
        heard[...] = windows.transpose(0, 2, 1)

    def mouths(self, output: NDArray[Any], out: NDArray[np.uint8]) -> None:
        """The network's output `[n, 3, side, side]` as uint8: times 255, cut down to whole numbers, not rounded.

        Raises `ModelError` for values that are no numbers.
        """
        for made, mouth in zip(output, out, strict=True):
            np.multiply(made, np.float32(255), out=self._scaled, dtype=np.float32)
            if not math.isfinite(float(self._scaled.sum())):
                raise ModelError("the network made values that are no numbers")
            np.clip(self._scaled, 0, 255, out=self._scaled)
            np.copyto(mouth, self._scaled, casting="unsafe")
