"""Every frame of a film is found by its number, in any order, with few frames in memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.film.read import HELD_FRAMES, FilmFrames
from tests.unit.tasks.media.film.films import click_at

COUNT = 120


def write_film(path: Path, codec: str = "libx264", *, gop: int = 12, b_frames: int = 0, fps: int = 25) -> Path:
    """Frames that tell their numbers: eight squares, dark or bright, are the bits of the number."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p" if codec != "mjpeg" else "yuvj420p"
        context = stream.codec_context
        context.gop_size, context.max_b_frames = gop, b_frames
        if codec == "libx264":
            stream.options = {"x264-params": f"scenecut=0:open-gop={int(b_frames > 0)}"}
        for number in range(COUNT):
            picture = np.zeros((64, 128, 3), np.uint8)
            for bit in range(8):
                picture[:, 16 * bit : 16 * bit + 16] = 220 if number >> bit & 1 else 30
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        out.mux(stream.encode(None))
    return path


def number_in(picture: NDArray[np.uint8]) -> int:
    return sum(1 << bit for bit in range(8) if picture[8:-8, 16 * bit + 4 : 16 * bit + 12].mean() > 128)


FILMS: dict[str, Callable[[Path], Path]] = {
    "short GOPs": lambda folder: write_film(folder / "a.mp4"),
    "one GOP with B-frames": lambda folder: write_film(folder / "a.mp4", gop=250, b_frames=3),
    "open GOPs with B-frames": lambda folder: write_film(folder / "a.mkv", gop=20, b_frames=3),
    "only key pictures": lambda folder: write_film(folder / "a.avi", "mjpeg"),
    "MPEG-4 in AVI": lambda folder: write_film(folder / "a.avi", "mpeg4"),
    "30 a second in WebM": lambda folder: write_film(folder / "a.webm", "libvpx-vp9", gop=30, fps=30),
}

BACK_AND_FORTH = [*range(COUNT), *range(COUNT - 2, -1, -1), 1, 2]
ANY = random.Random(0).choices(range(COUNT), k=60)
BACKWARDS = list(range(COUNT - 1, -1, -1))


@pytest.mark.parametrize("kind", FILMS)
@pytest.mark.parametrize("order", [BACK_AND_FORTH, ANY, BACKWARDS], ids=["back and forth", "any", "backwards"])
def test_every_frame_is_the_one_of_its_number(tmp_path: Path, kind: str, order: list[int]) -> None:
    with FilmFrames(FILMS[kind](tmp_path)) as film:
        assert (film.count, film.size) == (COUNT, (128, 64))
        assert [number_in(film.read(number)) for number in order] == order


class Counting:
    """Counts the frames that were decoded, and sees how many were held."""

    def __init__(self, film: FilmFrames) -> None:
        self.decoded, self.most_held, self._film, self._frames = 0, 0, film, film._frames
        film._frames = self.frames  # type: ignore[method-assign]

    def frames(self, number: int):  # type: ignore[no-untyped-def]
        for one in self._frames(number):
            self.decoded += 1
            self.most_held = max(self.most_held, len(self._film._held))
            yield one


@pytest.mark.parametrize(("gop", "most"), [(12, 2), (250, 4)])
def test_back_and_forth_decodes_few_frames_more_than_once_and_holds_few(tmp_path: Path, gop: int, most: int) -> None:
    with FilmFrames(write_film(tmp_path / "a.mp4", gop=gop)) as film:
        counting = Counting(film)
        for number in BACK_AND_FORTH:
            film.read(number)
        assert counting.decoded < most * len(BACK_AND_FORTH)
        assert counting.most_held <= HELD_FRAMES


def test_forwards_each_frame_is_decoded_once(tmp_path: Path) -> None:
    with FilmFrames(write_film(tmp_path / "a.mp4", gop=250, b_frames=3)) as film:
        counting = Counting(film)
        for number in range(COUNT):
            film.read(number)
        assert counting.decoded == COUNT


def test_a_frame_is_the_callers_own(tmp_path: Path) -> None:
    with FilmFrames(write_film(tmp_path / "a.mp4")) as film:
        film.read(5)[:] = 0
        assert number_in(film.read(5)) == 5


def test_colours_are_those_that_the_film_says(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.options = 64, 64, "yuv420p", {"crf": "1"}
        red = np.full((64, 64, 3), (0, 0, 230), np.uint8)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(red, format="bgr24")))
        out.mux(stream.encode(None))
    with FilmFrames(tmp_path / "a.mp4") as film:
        assert np.abs(film.read(0)[32, 32].astype(int) - (0, 0, 230)).max() < 8, (
            "untagged: as FFmpeg and OpenCV take it"
        )


def test_a_number_that_it_has_not_is_an_index_error(tmp_path: Path) -> None:
    with FilmFrames(write_film(tmp_path / "a.mp4")) as film:
        for number in (-1, COUNT):
            with pytest.raises(IndexError, match=rf"^a\.mp4: has no frame {number}; it has {COUNT}$"):
                film.read(number)


def test_what_is_no_film_is_refused_by_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    click_at(tmp_path / "sound.wav", 0, 1, 8_000)
    with pytest.raises(ValueError, match=r"^text\.mp4: cannot be read as film: Invalid data"):
        FilmFrames(tmp_path / "text.mp4")
    with pytest.raises(ValueError, match=r"^none\.mp4: cannot be read as film: No such file"):
        FilmFrames(tmp_path / "none.mp4")
    with pytest.raises(ValueError, match=r"^sound\.wav: cannot be read as film"):
        FilmFrames(tmp_path / "sound.wav")
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(ValueError, match=r"^sound\.mp4: has no pictures$"):
        FilmFrames(tmp_path / "sound.mp4")


@pytest.mark.parametrize("whole_until", [4, 40], ids=["from its start", "in its middle"])
def test_a_damaged_frame_is_refused_and_those_before_it_are_read(tmp_path: Path, whole_until: int) -> None:
    path = write_film(tmp_path / "a.mp4", gop=12)
    with av.open(str(path)) as film:
        places = [(one.pos, one.size) for one in film.demux(video=0) if one.size]
    data = bytearray(path.read_bytes())
    at, size = places[60]
    data[at + whole_until : at + size] = bytes([0xFF]) * (size - whole_until)
    path.write_bytes(data)
    with FilmFrames(path) as film:
        assert number_in(film.read(59)) == 59
        with pytest.raises(ValueError, match=r"^a\.mp4: is damaged: frame 60 of 120 cannot be decoded$"):
            film.read(60)
        assert number_in(film.read(84)) == 84, "the next key picture is whole"
