"""Pixels in pure red or pure white stay; all others do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.adapters.lipsync.frames.parsing import Parsing
from workers.adapters.lipsync.rectangles import Rectangle

pytestmark = pytest.mark.usefixtures("model_packages")


def test_red_and_white_pixels_of_the_rectangle_stay(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    picture = np.zeros((20, 30, 3), np.uint8)
    for row, colour in enumerate(((0, 0, 255), (255, 255, 255), (255, 0, 0), (0, 0, 254), (1, 0, 255)), start=5):
        picture[row, 10] = colour
    cv2.imwrite(str(tmp_path / "0.png"), picture)
    parsing = Parsing([tmp_path / "0.png"], (30, 20))
    for _ in range(2):
        kept = parsing.kept(0, Rectangle(8, 4, 15, 11))
        assert kept is not None
        assert kept.shape == (7, 7)
        assert np.argwhere(kept).tolist() == [[1, 2], [2, 2]]


def test_without_pictures_nothing_stays() -> None:
    assert Parsing([], (30, 20)).kept(0, Rectangle(0, 0, 5, 5)) is None
