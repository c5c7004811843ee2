"""The frames of a film are backgrounds like pictures, and a film that is none or does not fit is refused."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ModelError, ModelLoadError
from tasks.media.film.read import FilmFrames
from tests.fixtures.waiting import GIVE_UP_S
from tests.unit.workers.adapters.lipsync.face_folders import face_folder, rectangle
from workers.adapters.lipsync.face import Face
from workers.adapters.lipsync.folder import FaceFolder
from workers.adapters.lipsync.frames.film import FilmSource

COUNT = 40


def level(number: int) -> int:
    return 20 + 5 * number


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film whose frames tell their number by their brightness; one of them needs no other, so all are one group."""
    import numpy as np

    from tasks.media.encoding import Encoding
    from tasks.media.film.encode import encode_stretch

    frames = (np.full((64, 96, 3), level(number), np.uint8) for number in range(COUNT))
    path = tmp_path_factory.mktemp("film") / "full_body_video.mp4"
    path.write_bytes(encode_stretch(frames, Encoding(crf=10)).data)
    return path


def number_of(frame: Any) -> int:
    return round((float(frame.mean()) - level(0) + 1) / 5)


def with_film(folder: Path, film: Path, count: int = COUNT) -> Path:
    """A face folder that has a film and no pictures."""
    face_folder(folder, frames=0, rectangles=[rectangle(number) for number in range(count)])
    shutil.copy(film, folder / "full_body_video.mp4")
    return folder


def test_frames_are_read_by_their_numbers_in_any_order(film: Path) -> None:
    source = FilmSource(film)
    assert (source.count, source.size, source.threads) == (COUNT, (96, 64), 1)
    for number in (0, 1, 39, 38, 37, 5, 20):
        assert number_of(source.read(number)) == number
    source.close()
    assert number_of(source.read(7)) == 7, "it is opened again"
    source.close()


def test_threads_may_ask_at_the_same_time(film: Path) -> None:
    source = FilmSource(film)
    wrong: list[int] = []

    def work(first: int) -> None:
        wrong.extend(number for number in range(first, COUNT) if number_of(source.read(number)) != number)

    threads = [threading.Thread(target=work, args=[first], daemon=True) for first in (0, 10, 20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(GIVE_UP_S)
        assert not one.is_alive()
    source.close()
    assert not wrong


def test_its_count_is_known_while_a_frame_is_decoded(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, counts = FilmSource(film), list[int]()
    assert source.count == COUNT

    def slow(frames: FilmFrames, number: int) -> Any:
        asking = threading.Thread(target=lambda: counts.append(source.count), daemon=True)
        asking.start()
        asking.join(GIVE_UP_S)
        return number

    monkeypatch.setattr(FilmFrames, "read", slow)
    source.read(3)
    source.close()
    assert counts == [COUNT]


def test_a_folder_with_a_film_shows_its_frames_in_the_order_of_showing(
    film: Path, tmp_path: Path, model_packages: None
) -> None:
    import numpy as np

    face = Face(FaceFolder.find(with_film(tmp_path, film)), 64)
    face.open()
    face.crops(30, 25, until=60)
    shown = [number_of(frame[:4]) for frame in face.film(30, np.zeros((25, 3, 64, 64), np.uint8))]
    face.close()
    assert shown == [*range(31, 40), *range(38, 22, -1)]


def test_a_film_that_does_not_fit_the_rectangles_is_refused(film: Path, tmp_path: Path) -> None:
    folder = FaceFolder.find(with_film(tmp_path, film, COUNT - 1))
    with pytest.raises(ModelLoadError, match=r"^\[models.a\] path: .*mp4: has 40 frames, but .* has 39 rectangles"):
        Face(folder, 64).open("[models.a]")
    rows = [rectangle(number) for number in range(COUNT)]
    rows[9] = [60, 5, 100, 45]
    face_folder(tmp_path, frames=0, rectangles=rows)
    with pytest.raises(ModelLoadError, match=r"frame 9: the rectangle .* leaves the frame of 96×64 pixels"):
        Face(FaceFolder.find(tmp_path), 64).open()


def test_a_file_that_is_no_film_is_refused(film: Path, tmp_path: Path) -> None:
    folder = with_film(tmp_path, film)
    (folder / "full_body_video.mp4").write_text("no film at all")
    with pytest.raises(ModelLoadError, match=rf"^{tmp_path}/full_body_video.mp4: ") as raised:
        Face(FaceFolder.find(folder), 64).open()
    assert "\n" not in str(raised.value)
    (folder / "notes.txt").write_text("x")
    with pytest.raises(ModelLoadError, match=r"notes.txt: is no folder of pictures and no film"):
        FaceFolder.find(folder, source="notes.txt")


def test_a_film_that_is_damaged_in_the_middle_is_named(film: Path, tmp_path: Path, model_packages: None) -> None:
    folder = with_film(tmp_path, film)
    file = folder / "full_body_video.mp4"
    face = Face(FaceFolder.find(folder), 64)
    face.open()
    face.close()
    file.write_text("replaced")
    with pytest.raises(ModelError, match=rf"^{tmp_path}/full_body_video.mp4: "):
        face.crops(0, 5)
    face.close()
