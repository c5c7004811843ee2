"""A face cuts its stretches and makes film of them; pieces equal the whole, and wrong pictures are named."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ModelError
from tests.fixtures.waiting import GIVE_UP_S
from tests.unit.workers.adapters.lipsync.face_folders import face_folder, rectangle
from workers.adapters.lipsync import picture
from workers.adapters.lipsync.face import Face
from workers.adapters.lipsync.folder import FaceFolder
from workers.adapters.lipsync.frames.showing import background_at
from workers.adapters.lipsync.rectangles import Rectangle

pytestmark = pytest.mark.usefixtures("model_packages")

FRAMES, SIDE = 7, 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face whose frames are noise."""
    import cv2
    import numpy as np

    made = face_folder(tmp_path_factory.mktemp("face"), FRAMES)
    for number in range(FRAMES):
        noise = np.random.default_rng(number).integers(0, 256, (64, 96, 3), np.uint8)
        cv2.imwrite(str(made / "frames" / f"frame_{number:04d}.png"), noise)
    return made


def face(folder: Path, **options: Any) -> Face:
    return Face(FaceFolder.find(folder), SIDE, **options)


def wanted(folder: Path, position: int, mouth: Any = None, old: bool = False) -> tuple[Any, Any]:
    """The cut face and the film's frame at a position, made one by one."""
    import cv2
    import numpy as np

    number = background_at(position, FRAMES)
    frame: Any = cv2.imread(str(folder / "frames" / f"frame_{number:04d}.png"))
    at = Rectangle(*rectangle(number))
    crop = np.empty((3, SIDE, SIDE), np.uint8)
    picture.cut(frame, at, SIDE, crop)
    if mouth is not None:
        (picture.paste_legacy if old else picture.paste)(frame, at, mouth)
    return crop, frame


@pytest.mark.parametrize("old", [False, True])
def test_a_stretch_is_cut_and_pasted_like_its_frames_one_by_one(folder: Path, old: bool) -> None:
    import numpy as np

    mouths = np.random.default_rng(9).integers(0, 256, (30, 3, SIDE, SIDE), np.uint8)
    one = face(folder, legacy_paste=old)
    crops = one.crops(5, 30)
    film = list(one.film(5, mouths))
    one.close()
    assert crops.shape == (30, 3, SIDE, SIDE)
    for index in range(30):
        crop, frame = wanted(folder, 5 + index, mouths[index], old)
        assert (crops[index] == crop).all()
        assert (film[index] == frame).all()


@pytest.mark.parametrize("length", [7, 25, 40])
def test_pieces_in_any_order_equal_the_whole(folder: Path, length: int) -> None:
    import numpy as np

    mouths = np.random.default_rng(9).integers(0, 256, (60, 3, SIDE, SIDE), np.uint8)
    one = face(folder, window=9)
    whole, film = one.crops(0, 60), list(one.film(0, mouths))
    for first in reversed(range(0, 60, length)):
        part = mouths[first : first + length]
        assert (one.crops(first, len(part), until=60) == whole[first : first + length]).all()
        made = one.film(first, part)
        assert all((a == b).all() for a, b in zip(made, film[first : first + length], strict=True))
    one.close()


def test_frames_of_a_film_belong_to_who_asked_for_them(folder: Path) -> None:
    import numpy as np

    one = face(folder)
    before = one.crops(0, 5)
    for frame in one.film(0, np.zeros((5, 3, SIDE, SIDE), np.uint8)):
        frame[:] = 0
    assert (one.crops(0, 5) == before).all()
    one.close()


def test_stretches_are_cut_and_pasted_at_the_same_time(folder: Path) -> None:
    import numpy as np

    one, wrong = face(folder, window=20), []
    mouths = np.random.default_rng(9).integers(0, 256, (10, 3, SIDE, SIDE), np.uint8)
    alone = {first: (one.crops(first, 10), list(one.film(first, mouths))) for first in range(0, 40, 10)}

    def work() -> None:
        for first, (crops, film) in alone.items():
            if not (one.crops(first, 10) == crops).all():
                wrong.append(first)
            wrong.extend(first for a, b in zip(one.film(first, mouths), film, strict=True) if not (a == b).all())

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GIVE_UP_S)
        assert not thread.is_alive()
    one.close()
    assert not wrong


def test_a_film_goes_on_when_its_face_is_closed_meanwhile(folder: Path) -> None:
    import numpy as np

    one = face(folder)
    mouths = np.zeros((5, 3, SIDE, SIDE), np.uint8)
    one.crops(0, 5)
    film = one.film(0, mouths)
    next(film)
    one.close()
    assert len(list(film)) == 4
    one.close()


def test_statistics_say_hits_misses_and_what_is_held(folder: Path) -> None:
    one = face(folder)
    assert one.stats() == {}
    one.crops(0, 3, until=3)
    stats = one.stats()
    assert (stats["hits"], stats["misses"], stats["frames"]) == (0, 3, 3)
    assert stats["bytes"] == 3 * 96 * 64 * 3
    assert stats["decode_s"] > 0
    one.crops(0, 3, until=3)
    assert one.stats()["hits"] == 3
    one.close()
    assert one.stats()["bytes"] == 0


def test_pixels_that_the_parsing_names_stay_as_they_were(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    made = face_folder(tmp_path, 2)
    (tmp_path / "parsing").mkdir()
    for number in range(2):
        kept = np.zeros((64, 96, 3), np.uint8)
        kept[: 20 + number] = (0, 0, 255)
        cv2.imwrite(str(tmp_path / "parsing" / f"{number}.png"), kept)
    one = face(made)
    first = next(one.film(0, np.full((1, 3, SIDE, SIDE), 200, np.uint8)))
    one.close()
    assert (first[:21] == 10).all()
    assert first[30, 30].tolist() == [200] * 3


def test_a_damaged_frame_is_named_when_it_is_cut_and_when_it_is_pasted(tmp_path: Path) -> None:
    import numpy as np

    made = face_folder(tmp_path, 3)
    file = made / "frames" / "frame_0001.png"
    whole = file.read_bytes()
    one = face(made)
    one.open()
    file.write_bytes(whole[:50])
    with pytest.raises(ModelError, match="frame_0001.png: is damaged"):
        one.crops(0, 3)
    with pytest.raises(ModelError, match="frame_0001.png: is damaged"):
        next(one.film(0, np.zeros((3, 3, SIDE, SIDE), np.uint8)))
    file.write_bytes(whole)
    assert one.crops(0, 3).shape == (3, 3, SIDE, SIDE)
    one.close()
