"""Frames are written in each form, in order, and can be read from it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workers.adapters.lipsync.frames.forms import GROUP, ROUNDS, FilmForm, Form, PictureForm, decode_s
from workers.adapters.lipsync.frames.prepared import frames_in
from workers.adapters.lipsync.frames.source import source_of

pytestmark = pytest.mark.usefixtures("model_packages")

COUNT = 2 * GROUP + 5


def picture(number: int) -> Any:
    """A smooth picture that tells its number."""
    import numpy as np

    made = np.empty((64, 96, 3), np.uint8)
    made[:] = (40 + 5 * number, 128, 200 - 5 * number)
    return made


@pytest.mark.parametrize(("form", "off"), [(PictureForm("jpg"), 3), (PictureForm("bmp"), 0), (FilmForm(), 6)])
def test_each_form_gives_the_frames_back_in_any_order(form: Form, off: int, tmp_path: Path) -> None:
    import numpy as np

    steps: list[int] = []
    names = form.write(picture, range(COUNT), tmp_path, lambda: steps.append(1))
    source = source_of(frames_in(tmp_path, names, form.name, (96, 64)))
    assert source.count == len(steps) == COUNT
    assert source.size == (96, 64)
    for number in [*range(COUNT), *reversed(range(COUNT)), 3, 25, 0, 28]:
        difference = np.abs(source.read(number).astype(int) - picture(number))
        assert difference.max() <= off, number
    assert decode_s(source, range(3)) >= 0
    source.close()


def test_quality_decides_on_the_size_of_a_jpeg(tmp_path: Path) -> None:
    import numpy as np

    noise = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    sizes = []
    for quality in (30, 95):
        [name] = PictureForm("jpg", quality).write(lambda number: noise, [0], tmp_path, lambda: None)
        sizes.append((tmp_path / name).stat().st_size)
    assert sizes[0] < sizes[1] / 2


@pytest.mark.parametrize("form", [PictureForm("jpg"), FilmForm()])
def test_an_error_of_a_step_ends_the_writing(form: Form, tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        form.write(picture, range(COUNT), tmp_path, stop)


def test_each_round_of_a_measurement_decodes_anew() -> None:
    class Kept:
        """A source that keeps what it has decoded, as a film does."""

        count, size, threads = 5, (96, 64), 1

        def __init__(self) -> None:
            self.decoded: list[int] = []
            self.held: set[int] = set()

        def read(self, number: int) -> Any:
            if number not in self.held:
                self.decoded.append(number)
            self.held.add(number)
            return picture(number)

        def close(self) -> None:
            self.held.clear()

    source = Kept()
    assert decode_s(source, range(5)) >= 0
    assert source.decoded == [0, 1, 2, 3, 4, 0, 4, 3, 2, 1] * 2


def test_a_frame_that_is_alone_is_measured_too(tmp_path: Path) -> None:
    names = PictureForm("bmp").write(picture, [0], tmp_path, lambda: None)
    source, read = source_of(frames_in(tmp_path, names, "bmp", (96, 64))), list[int]()

    class Counted:
        count, size, threads, close = 1, (96, 64), 1, source.close

        def read(self, number: int) -> Any:
            read.append(number)
            return source.read(number)

    assert decode_s(Counted(), range(1)) >= 0
    assert len(read) == 2 * 2 * ROUNDS, "opened and read, in two orders, in each round"
