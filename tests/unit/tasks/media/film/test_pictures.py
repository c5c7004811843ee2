"""Pictures become the files of an archive, which every reader of pictures shows as they were."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import ModelError
from tasks.media.film.pictures import encode_pictures


def scene(number: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A picture with a slope in every colour, and a square that moves."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([3 * x, 4 * y, 255 - 3 * x], axis=2).astype(np.uint8)
    picture[8:24, 8 + number : 24 + number] = (20, 40, 230)
    return picture


def files(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert all(one.compress_type == zipfile.ZIP_STORED for one in opened.infolist())
        return {name: opened.read(name) for name in opened.namelist()}


def shown(data: bytes, format: str) -> NDArray[np.uint8]:
    with av.open(io.BytesIO(data), format="jpeg_pipe" if format == "jpg" else "png_pipe") as opened:
        picture: NDArray[np.uint8] = next(opened.decode(video=0)).to_ndarray(format="bgr24")
        return picture


@pytest.mark.parametrize("format", ["jpg", "png"])
def test_pictures_are_numbered_from_the_first(format: str) -> None:
    names = list(files(encode_pictures([scene(0), scene(1)], 9, format)))
    assert names == [f"frame_000009.{format}", f"frame_000010.{format}"]
    assert list(files(encode_pictures([scene(0)], 1_234_567, format))) == [f"frame_1234567.{format}"]


@pytest.mark.parametrize("size", [(48, 64), (47, 63)], ids=["even", "odd"])
def test_png_holds_pictures_bit_for_bit(size: tuple[int, int]) -> None:
    pictures = [scene(number, *size) for number in range(3)]
    made = files(encode_pictures(pictures, 0, "png"))
    assert all(np.array_equal(shown(data, "png"), one) for data, one in zip(made.values(), pictures, strict=True))


@pytest.mark.parametrize("size", [(48, 64), (47, 63)], ids=["even", "odd"])
def test_jpeg_holds_pictures_with_little_loss_and_all_alike(size: tuple[int, int]) -> None:
    pictures = [scene(number, *size) for number in range(8)]
    made = files(encode_pictures(pictures, 0, "jpg"))
    assert all(data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9") for data in made.values())
    for data, picture in zip(made.values(), pictures, strict=True):
        difference = np.abs(shown(data, "jpg").astype(int) - picture)
        assert difference.shape == picture.shape
        assert difference.mean() < 4, "the colours at the square's edge are blurred, and nothing else"
        assert np.median(difference) <= 2


@pytest.mark.parametrize("format", ["jpg", "png"])
def test_the_same_pictures_become_the_same_bits(format: str) -> None:
    pictures: Sequence[NDArray[np.uint8]] = [scene(number) for number in range(3)]
    assert encode_pictures(pictures, 0, format) == encode_pictures(iter(pictures), 0, format)
    alone = files(encode_pictures(pictures[2:], 2, format))
    assert files(encode_pictures(pictures, 0, format)).items() >= alone.items(), "whatever came before"
    with zipfile.ZipFile(io.BytesIO(encode_pictures(pictures, 0, format))) as opened:
        assert {one.date_time for one in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_pictures_of_two_sizes_are_refused_by_one_line() -> None:
    with pytest.raises(ModelError, match="^a picture is 66×48, the first 64×48$"):
        encode_pictures([scene(0), scene(0, width=66)], 0, "png")
