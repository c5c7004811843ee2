"""The size of a picture is read from its header, and a file that is none or is cut off is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.workers.adapters.lipsync.face_folders import png
from workers.adapters.lipsync.frames.headers import picture_size

SOF = b"\xff\xc0\x00\x11\x08\x02\xd0\x05\x00\x03"
APP = b"\xff\xe0\x00\x08JFIF\x00\x00"


def test_a_png_and_a_jpeg_have_width_and_height(tmp_path: Path) -> None:
    assert picture_size(png(tmp_path / "a.png", (1280, 720))) == (1280, 720)
    jpeg = tmp_path / "a.jpg"
    jpeg.write_bytes(b"\xff\xd8" + APP + b"\xff" + SOF + b"\0" * 50 + b"\xff\xd9")
    assert picture_size(jpeg) == (1280, 720)


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", "is empty"),
        (b"GIF89a" + b"\0" * 30, "is no PNG and no JPEG"),
        (b"\x89PNG\r\n\x1a\nabcdefghijklmnop", "is no PNG and no JPEG"),
        (b"\xff\xd8" + APP + SOF + b"\0" * 50, "is cut off"),
        (b"\xff\xd8" + APP, "is a damaged JPEG"),
        (b"\xff\xd8" + APP + b"nonsense, nonsense", "is a damaged JPEG"),
    ],
)
def test_what_is_no_whole_picture_is_refused(data: bytes, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ValueError, match=wrong):
        picture_size(tmp_path / "a")


def test_a_png_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(ValueError, match="is cut off"):
        picture_size(path)


def test_the_sizes_are_those_that_opencv_decodes(tmp_path: Path, model_packages: None) -> None:
    import cv2
    import numpy as np

    noise = np.random.default_rng(1).integers(0, 256, (37, 91, 3), np.uint8)
    for name, options in (
        ("a.png", []),
        ("b.jpg", []),
        ("c.jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        ("d.jpeg", [cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_QUALITY, 30]),
    ):
        assert cv2.imwrite(str(tmp_path / name), noise, options)
        assert picture_size(tmp_path / name) == (91, 37)
