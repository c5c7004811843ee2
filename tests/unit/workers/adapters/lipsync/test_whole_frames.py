"""The frames of the real adapter against the reference, which shares no code with it; and how code that is wrong fails.

Each of its steps is made wrong in a usual way, and the comparison that passes for the right code must fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fixtures.faces import sounds
from tests.fixtures.faces.folder import FaceLook, Kind, make_face
from tests.fixtures.faces.graphs import Shape
from tests.fixtures.faces.reference import Reference
from tests.fixtures.faces.scenes import Picture
from tests.fixtures.faces.studio import Studio
from workers.adapters.lipsync.computing import arrays
from workers.adapters.lipsync.computing.arrays import BatchArrays
from workers.adapters.lipsync.computing.encoder import AudioEncoder

pytestmark = pytest.mark.usefixtures("model_packages")

SOUND = sounds.as_int16(sounds.babble(2.3))
LOOK = FaceLook(kind="position", frames=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_face(tmp_path_factory.mktemp("faces"), "anna", LOOK)


@pytest.fixture(scope="module")
def studio(folder: Path) -> Iterator[Studio]:
    with Studio(folder) as studio:
        yield studio


@pytest.fixture(scope="module")
def right() -> list[Picture]:
    return Reference(LOOK).film(SOUND)


def largest(one: Sequence[Picture], other: Sequence[Picture]) -> int:
    """The largest difference of two films, in levels."""
    return max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(one, other, strict=True))


def share_that_differs(one: Sequence[Picture], other: Sequence[Picture]) -> float:
    """The share of the numbers of two films that are not the same."""
    return float(np.mean([np.mean(a != b) for a, b in zip(one, other, strict=True)]))


def assert_alike(made: Sequence[Picture], right: Sequence[Picture]) -> None:
    """They differ by rounding alone: a number just below a whole level is cut to the level below."""
    assert largest(made, right) <= 3
    assert share_that_differs(made, right) < 0.005


def test_its_frames_are_those_of_the_reference(studio: Studio, right: list[Picture]) -> None:
    assert_alike(studio.film(SOUND), right)


@pytest.mark.parametrize("kind", ["brightness", "position"])
def test_a_face_of_the_usual_size_too(kind: Kind, tmp_path: Path) -> None:
    look = FaceLook(kind=kind, frames=3, width=320, height=240, shape=Shape(side=320))
    sound = sounds.as_int16(sounds.babble(0.3))
    with Studio(make_face(tmp_path, "anna", look)) as studio:
        assert_alike(studio.film(sound), Reference(look).film(sound))


@pytest.mark.parametrize(
    "changed",
    [
        {"frame_name": "frame_{}.png", "rects": frozenset({"list"}), "frames": 12},
        {"frame_name": "{}.png", "folder": "full_body_img", "rects": frozenset({"lms"}), "package_info": False},
        {"frame_name": "frame_{:06d}.PNG", "rects": frozenset({"object"})},
        {"shape": Shape(batch=1, names=("visual_input", "audio_input", "out"))},
        {"shape": Shape(side=160, batch=4), "width": 296, "height": 200, "frames": 1},
    ],
    ids=["numbers without zeros", "as it was trained", "six digits", "one frame at once", "160 pixels, one background"],
)
def test_a_face_looks_the_same_however_its_files_are_named(changed: dict[str, Any], tmp_path: Path) -> None:
    look = replace(LOOK, **changed)
    sound = sounds.as_int16(sounds.babble(0.7))
    with Studio(make_face(tmp_path, "anna", look)) as studio:
        assert_alike(studio.film(sound), Reference(look).film(sound))


def test_the_old_paste_is_that_of_the_replaced_server(folder: Path, right: list[Picture]) -> None:
    with Studio(folder, legacy_paste=True) as studio:
        made = studio.film(SOUND)
    assert_alike(made, Reference(LOOK, legacy_paste=True).film(SOUND))
    assert largest(made, right) > 30


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.19, 0.35, 1.0, 1.01])
def test_a_short_sound_has_a_frame_for_each_40_ms_that_begin(studio: Studio, seconds: float) -> None:
    sound = sounds.as_int16(sounds.babble(seconds))
    made = studio.film(sound)
    assert len(made) == -(-len(sound) * 25 // 16_000)
    assert_alike(made, Reference(LOOK).film(sound))


def test_pieces_of_any_length_in_any_order_equal_the_whole_bit_for_bit(studio: Studio) -> None:
    sound = sounds.as_int16(sounds.babble(22.4))  # more than one block of sound
    whole = studio.film(sound, stretch_frames=1000)
    for stretch_frames in (7, 25, 40):
        requests = studio.stretches(sound, stretch_frames)
        if stretch_frames == 7:
            requests = requests[:6] + requests[-30:]
        for request in reversed(requests):
            made = studio.frames([request])[0]
            part = whole[request.start : request.start + request.frames]
            assert all((a == b).all() for a, b in zip(made, part, strict=True)), (stretch_frames, request.start)


def test_a_run_of_several_stretches_gives_what_each_alone_gives(studio: Studio, right: list[Picture]) -> None:
    together = [frame for stretch in studio.frames(studio.stretches(SOUND, 9)) for frame in stretch]
    alone = studio.film(SOUND, 9)
    assert all((a == b).all() for a, b in zip(together, alone, strict=True))
    assert_alike(alone, right)


def test_a_film_begins_where_another_one_ended(studio: Studio) -> None:
    made = studio.film(SOUND, first_background=1_000_003)
    assert_alike(made, Reference(LOOK).film(SOUND, first_background=1_000_003))


right_encoded, right_features, right_fill = AudioEncoder._encoded, AudioEncoder.features, BatchArrays.fill
right_mouths = BatchArrays.mouths


def a_mel_not_turned(self: AudioEncoder, mels: Any) -> Any:
    return right_encoded(self, np.ascontiguousarray(mels.transpose(0, 2, 1)).reshape(mels.shape))


def a_frame_late(self: AudioEncoder, stretch: Any) -> Any:
    return np.roll(right_features(self, stretch), -1, axis=0)


def one_sound_for_all_frames(self: AudioEncoder, stretch: Any) -> Any:
    rows = right_features(self, stretch)
    return np.concatenate([rows[:16], np.repeat(rows[15:16], len(rows) - 16, axis=0)])


def another_order_of_features(self: BatchArrays, at: int, faces: Any, features: Any) -> None:
    right_fill(self, at, faces, features)
    heard = self.hears[at : at + len(faces)]
    heard[...] = heard.reshape(-1, 16, 512).transpose(0, 2, 1).reshape(heard.shape)


def colours_swapped_before(self: BatchArrays, at: int, faces: Any, features: Any) -> None:
    right_fill(self, at, faces[:, ::-1], features)


def the_mask_in_front(self: BatchArrays, at: int, faces: Any, features: Any) -> None:
    right_fill(self, at, faces, features)
    self.pictures[:] = np.roll(self.pictures, 3, axis=1)


def colours_swapped_behind(self: BatchArrays, output: Any, out: Any) -> None:
    right_mouths(self, output[:, ::-1], out)


def rounded_output(self: BatchArrays, output: Any, out: Any) -> None:
    right_mouths(self, output + 0.5 / 255, out)


WRONG: list[tuple[Any, str, Any]] = [
    (AudioEncoder, "_encoded", a_mel_not_turned),
    (AudioEncoder, "features", a_frame_late),
    (AudioEncoder, "features", one_sound_for_all_frames),
    (BatchArrays, "fill", another_order_of_features),
    (BatchArrays, "fill", colours_swapped_before),
    (BatchArrays, "fill", the_mask_in_front),
    (BatchArrays, "mouths", colours_swapped_behind),
    (BatchArrays, "mouths", rounded_output),
    (arrays, "MASK_AT", 4),
]


@pytest.mark.parametrize(("place", "name", "wrong"), WRONG, ids=[getattr(one[2], "__name__", one[1]) for one in WRONG])
def test_code_that_is_wrong_in_a_usual_way_is_found(
    place: Any, name: str, wrong: Any, tmp_path: Path, right: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_face(tmp_path, "anna", LOOK)  # a slot shares the features of one encoder among its faces
    monkeypatch.setattr(place, name, wrong)
    with Studio(folder) as studio, pytest.raises(AssertionError):
        assert_alike(studio.film(SOUND), right)
