"""A stretch of film: what it shows is what was given, and every frame is there at its time."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import MissingExtra, ModelError
from tasks.media.encoding import Encoding
from tasks.media.film.encode import encode_stretch
from tasks.media.film.fit import opened


def flat(*levels: int, height: int = 48, width: int = 64) -> Iterator[NDArray[np.uint8]]:
    return (np.full((height, width, 3), level, np.uint8) for level in levels)


def test_a_stretch_has_its_pictures_in_order_forty_milliseconds_each() -> None:
    levels = (40, 90, 140, 190)
    stretch = encode_stretch(flat(*levels), Encoding())
    assert (stretch.width, stretch.height, stretch.frames) == (64, 48, 4)
    with av.open(io.BytesIO(stretch.data)) as film:
        frames = list(film.decode(video=0))
    assert [round(frame.time * 1000) for frame in frames] == [0, 40, 80, 120]
    shown = [frame.to_ndarray(format="bgr24").mean() for frame in frames]
    assert all(abs(seen - level) < 4 for seen, level in zip(shown, levels, strict=True)), shown


def test_colours_are_those_of_the_pictures_and_said_to_be_of_bt_709() -> None:
    colours = ((0, 0, 230), (0, 230, 0), (230, 0, 0), (40, 200, 90))  # blue, green, red
    picture = np.zeros((64, 64, 3), np.uint8)
    for number, colour in enumerate(colours):
        picture[:, 16 * number : 16 * (number + 1)] = colour
    with av.open(io.BytesIO(encode_stretch([picture], Encoding(crf=1)).data)) as film:
        frame = next(film.decode(video=0))
    assert (frame.colorspace, frame.color_range) == (1, 1)
    for number, colour in enumerate(colours):
        assert np.abs(frame.to_ndarray(format="bgr24")[32, 16 * number + 8].astype(int) - colour).max() < 8


def test_a_film_is_as_bright_as_its_pictures() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with av.open(io.BytesIO(encode_stretch([noise], Encoding(crf=1)).data)) as film:
        luma = next(film.decode(video=0)).to_ndarray()[:64].astype(float)
    meant = 16 + 219 / 255 * (noise @ np.array([0.0722, 0.7152, 0.2126]))
    assert abs(luma.mean() - meant.mean()) < 0.2, "rounded, and not cut off"


def test_an_odd_side_gets_its_last_row_or_column_once_more() -> None:
    picture = np.full((47, 63, 3), 60, np.uint8)
    picture[:, -3:] = 200
    stretch = encode_stretch([picture], Encoding(crf=1))
    assert (stretch.width, stretch.height) == (64, 48)
    with av.open(io.BytesIO(stretch.data)) as film:
        shown = next(film.decode(video=0)).to_ndarray(format="bgr24")
    assert shown[:, 62:].mean() > 190


def test_the_same_pictures_become_the_same_bits_and_every_quality_has_one_header() -> None:
    noise = list(np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8))
    assert encode_stretch(noise, Encoding()).data == encode_stretch(noise, Encoding()).data
    headers = set()
    for pictures, crf in ((noise, 10), (noise[:1], 45), (list(flat(9, 9, height=64)), 20)):
        with opened(encode_stretch(pictures, Encoding(crf=crf)).data) as (_, form):
            headers.add(form.header)
    assert len(headers) == 1, "so stretches join as they are"


def test_pictures_are_encoded_while_they_are_made() -> None:
    made: list[int] = []

    def pictures() -> Iterator[NDArray[np.uint8]]:
        shared = np.zeros((64, 64, 3), np.uint8)
        for number in range(5):
            made.append(number)
            shared[:] = 40 * number  # one picture for all: each is read before the next one is asked for
            yield shared

    stretch = encode_stretch(pictures(), Encoding())
    with av.open(io.BytesIO(stretch.data)) as film:
        shown = [frame.to_ndarray(format="bgr24").mean() for frame in film.decode(video=0)]
    assert made == [0, 1, 2, 3, 4]
    assert all(abs(level - 40 * number) < 4 for number, level in enumerate(shown)), shown


@pytest.mark.parametrize(
    ("pictures", "reason"),
    [
        ([], "the model made a film without frames"),
        ([*flat(1), *flat(2, width=66)], "a frame is 66×48, but the frames before it are 64×48"),
        ([np.zeros((48, 64), np.uint8)], r"a frame is uint8 \[48, 64\]; it must be uint8 \[height, width, 3\]"),
        ([np.zeros((48, 64, 3), np.float32)], r"a frame is float32 \[48, 64, 3\]; it must be uint8"),
    ],
)
def test_what_is_no_film_is_refused_by_one_line(pictures: list[NDArray[np.uint8]], reason: str) -> None:
    with pytest.raises(ModelError, match=f"^{reason}"):
        encode_stretch(pictures, Encoding())


def test_an_encoding_that_cannot_be_used_is_refused_by_one_line() -> None:
    with pytest.raises(
        ModelError, match=r"^libx264 cannot encode this film with Encoding\(encoder='libx264', preset='no"
    ):
        encode_stretch(flat(1), Encoding("libx264", preset="no preset"))
    with pytest.raises(MissingExtra, match=r"^encoder: 'libx265' makes no H\.264"):
        encode_stretch(flat(1), Encoding("libx265"))
