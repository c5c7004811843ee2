"""A face goes out of its picture and back as the faces' own program does it, pixel by pixel.

The other side of each comparison is written here from the facts: one frame at a time, in the order of height, width,
channel, with OpenCV's own resize. The Go server's way is a loop over pixels in float32.
"""

from __future__ import annotations

from typing import Any

import pytest

from workers.adapters.lipsync.picture import cut, paste, paste_legacy
from workers.adapters.lipsync.rectangles import Rectangle

pytestmark = pytest.mark.usefixtures("model_packages")

AT = Rectangle(61, 30, 61 + 173, 30 + 173)


def noise(*shape: int, seed: int = 1) -> Any:
    import numpy as np

    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def wanted_crop(picture: Any, side: int) -> Any:
    import cv2

    inside = picture[AT.top : AT.bottom, AT.left : AT.right]
    return cv2.resize(inside, (side + 8, side + 8), interpolation=cv2.INTER_CUBIC)


def cut_face(picture: Any, side: int, at: Rectangle = AT) -> Any:
    import numpy as np

    face = np.empty((3, side, side), np.uint8)
    cut(picture, at, side, face)
    return face


@pytest.mark.parametrize("side", [320, 160])
def test_a_face_is_what_is_inside_of_the_border_of_its_resized_rectangle(side: int) -> None:
    picture = noise(240, 320, 3)
    inner = wanted_crop(picture, side)[4 : side + 4, 4 : side + 4]
    assert (cut_face(picture, side) == inner.transpose(2, 0, 1)).all()


def test_a_face_is_blue_green_red_and_not_the_other_way_round() -> None:
    import numpy as np

    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:] = (10, 20, 30)
    assert cut_face(picture, 160).mean(axis=(1, 2)).tolist() == [10, 20, 30]
    paste(picture, AT, np.stack([np.full((160, 160), level, np.uint8) for level in (40, 50, 60)]))
    assert picture[100, 150].tolist() == [40, 50, 60]


@pytest.mark.parametrize("side", [320, 160])
@pytest.mark.parametrize("with_kept", [False, True])
def test_a_mouth_goes_back_as_the_program_of_the_faces_does_it(side: int, with_kept: bool) -> None:
    import cv2

    picture, mouth = noise(240, 320, 3), noise(3, side, side, seed=2)
    kept = noise(173, 173, seed=3) > 200 if with_kept else None
    crop = wanted_crop(picture, side)
    crop[4 : side + 4, 4 : side + 4] = mouth.transpose(1, 2, 0)
    back = cv2.resize(crop, (173, 173), interpolation=cv2.INTER_CUBIC)
    wanted = picture.copy()
    if kept is not None:
        back[kept] = picture[30:203, 61:234][kept]
    wanted[30:203, 61:234] = back

    paste(picture, AT, mouth, kept)

    assert (picture == wanted).all()


def test_a_face_that_comes_back_as_it_was_leaves_no_seam() -> None:
    import numpy as np

    rows, columns = np.mgrid[0:240, 0:320]
    picture = np.stack([rows, columns * 0.7, 255 - rows], axis=2).astype(np.uint8)
    smooth, stretched = picture.copy(), picture.copy()
    paste(smooth, AT, cut_face(picture, 320))
    paste_legacy(stretched, AT, cut_face(picture, 320))
    assert np.abs(smooth.astype(int) - picture).max() <= 2
    assert np.abs(stretched.astype(int) - picture).max() > 2, "the old way enlarges the face, so it has a seam"


def test_the_go_servers_way_is_its_loop_over_pixels() -> None:
    import numpy as np

    one, side, length = np.float32(1), 32, 23
    mouth, at = noise(3, side, side), Rectangle(3, 4, 3 + length, 4 + length)
    picture = noise(40, 40, 3, seed=2)
    wanted, ratio = picture.copy(), np.float32(side) / np.float32(length)
    for row in range(length):
        for column in range(length):
            x, y = np.float32(column) * ratio, np.float32(row) * ratio
            left, upper = int(x), int(y)
            right, lower = min(left + 1, side - 1), min(upper + 1, side - 1)
            over, down = x - np.float32(left), y - np.float32(upper)
            for channel, face in enumerate(mouth.astype(np.float32)):
                top = face[upper, left] * (one - over) + face[upper, right] * over
                bottom = face[lower, left] * (one - over) + face[lower, right] * over
                wanted[4 + row, 3 + column, channel] = int(top * (one - down) + bottom * down)

    paste_legacy(picture, at, mouth)

    assert (picture == wanted).all()


@pytest.mark.parametrize("old", [False, True])
def test_nothing_outside_of_the_rectangle_changes(old: bool) -> None:
    picture = noise(240, 320, 3)
    before = picture.copy()
    (paste_legacy if old else paste)(picture, AT, noise(3, 320, 320, seed=2))
    assert (picture[AT.top : AT.bottom, AT.left : AT.right] != before[AT.top : AT.bottom, AT.left : AT.right]).any()
    picture[AT.top : AT.bottom, AT.left : AT.right] = before[AT.top : AT.bottom, AT.left : AT.right]
    assert (picture == before).all()


def test_a_face_at_the_edges_of_its_picture_is_cut_and_pasted() -> None:
    picture = noise(64, 64, 3)
    at = Rectangle(0, 0, 64, 64)
    mouth = cut_face(picture, 160, at)
    paste(picture, at, mouth)
    paste_legacy(picture, at, mouth)
