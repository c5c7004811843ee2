"""A face out of its picture and back into it, as the faces were trained. Pure; cv2 is imported inside functions.

A face is cut out by its rectangle and resized to the side of its network plus a border of 4 pixels; the network sees
what is inside of the border. What it answers goes back into the resized picture, which goes back into the rectangle.
Pictures are uint8 BGR `[height, width, 3]`; faces are planar, `[3, side, side]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.adapters.lipsync.rectangles import Rectangle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BORDER = 4


def cut(picture: NDArray[np.uint8], at: Rectangle, side: int, out: NDArray[np.uint8]) -> None:
    """Write the face in the rectangle `at` into `out`, `[3, side, side]`."""
    import cv2

    inner = _enlarged(picture, at, side)[BORDER : BORDER + side, BORDER : BORDER + side]
    cv2.split(inner, list(out))


def paste(
    picture: NDArray[np.uint8], at: Rectangle, mouth: NDArray[np.uint8], keep: NDArray[np.bool_] | None = None
) -> None:
    """Write a face of the network, `[3, side, side]`, into the picture.

    `keep`, `[height, width]` of the rectangle, is true for the pixels that stay as they were.
    """
    import cv2

    side = mouth.shape[-1]
    whole = _enlarged(picture, at, side)
    whole[BORDER : BORDER + side, BORDER : BORDER + side] = cv2.merge(list(mouth))
    _write(picture, at, cv2.resize(whole, (at.width, at.height), interpolation=cv2.INTER_CUBIC), keep)


def paste_legacy(
    picture: NDArray[np.uint8], at: Rectangle, mouth: NDArray[np.uint8], keep: NDArray[np.bool_] | None = None
) -> None:
    """Write a face into the picture as the Go server did, to show the same: with a seam, and 2.5% too large.

    The face fills the whole rectangle, without its border. Of each pixel the upper left corner is looked up, between
    four pixels of the face, in float32; the result is cut down to whole numbers.
    """
    import numpy as np

    side = mouth.shape[-1]
    x, right, weight_x = _between(side, at.width)
    y, lower, weight_y = _between(side, at.height)
    face = mouth.astype(np.float32)
    rows, rows_below = face[:, y, :], face[:, lower, :]
    one = np.float32(1)
    top = rows[:, :, x] * (one - weight_x) + rows[:, :, right] * weight_x
    bottom = rows_below[:, :, x] * (one - weight_x) + rows_below[:, :, right] * weight_x
    mixed = top * (one - weight_y)[:, None] + bottom * weight_y[:, None]
    _write(picture, at, mixed.astype(np.uint8).transpose(1, 2, 0), keep)


def _enlarged(picture: NDArray[np.uint8], at: Rectangle, side: int) -> NDArray[np.uint8]:
    """What is in the rectangle, in the side of the network with its border."""
    import cv2

    inside = picture[at.top : at.bottom, at.left : at.right]
    wanted = (side + 2 * BORDER, side + 2 * BORDER)
    made: NDArray[np.uint8] = cv2.resize(inside, wanted, interpolation=cv2.INTER_CUBIC)
    return made


def _between(side: int, length: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each of `length` pixels: the pixel of the face before it, the one after it, and the weight of that."""
    import numpy as np

    exact = np.arange(length, dtype=np.float32) * (np.float32(side) / np.float32(length))
    before = exact.astype(np.intp)
    return before, np.minimum(before + 1, side - 1), exact - before.astype(np.float32)


def _write(picture: NDArray[np.uint8], at: Rectangle, face: NDArray[np.uint8], keep: NDArray[np.bool_] | None) -> None:
    inside = picture[at.top : at.bottom, at.left : at.right]
    if keep is None:
        inside[:] = face
    else:
        inside[~keep] = face[~keep]
