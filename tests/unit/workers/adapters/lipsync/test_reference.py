"""The reference that the frames of faces are held against is right, and tells wrong code from right code.

It equals librosa and ONNX Runtime, and each usual mistake in one of its steps gives a film that differs clearly.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fixtures.faces import reference, sounds
from tests.fixtures.faces.folder import FaceLook, Kind, make_face
from tests.fixtures.faces.reference import Reference
from tests.fixtures.faces.scenes import number_of, shown

pytestmark = pytest.mark.usefixtures("model_packages")

SOUND = sounds.as_int16(sounds.babble(2.0))
LOOK = FaceLook(kind="position")
CLEARLY = 1.0
"""Levels by which a wrong film differs on average: rounding differs by 1 in single pixels, on average by under 0.01."""


def difference(one: Reference, other: Reference, **how: Any) -> float:
    """The mean difference of two films of the same sound, in levels, where the face is."""
    frames = zip(one.film(SOUND), other.film(SOUND, **how), strict=True)
    return float(np.mean([np.abs(a.astype(int) - b)[10:50, 8:48].mean() for a, b in frames]))


def test_its_mel_equals_librosa() -> None:
    import librosa

    emphasised = librosa.effects.preemphasis(SOUND, coef=0.97, zi=[0.0])
    spectra = np.abs(librosa.stft(emphasised, n_fft=800, hop_length=200, win_length=800, pad_mode="constant"))
    bands = librosa.filters.mel(sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    levels = 20 * np.log10(np.maximum(1e-5, bands @ spectra)) - 20
    right = np.clip(8 * (levels + 100) / 100 - 4, -4, 4)
    assert np.abs(Reference(LOOK).mel(SOUND) - right.T).max() < 1e-5


@pytest.mark.parametrize("kind", ["brightness", "position"])
def test_its_networks_equal_the_onnx_files(kind: Kind, tmp_path: Path) -> None:
    import onnxruntime

    look = FaceLook(kind=kind)
    right = Reference(look)
    folder = make_face(tmp_path, "anna", look)
    mel = right.mel(SOUND)
    windows = np.stack([right.window(mel, index) for index in range(30)])
    encoder = onnxruntime.InferenceSession(tmp_path / "audio_encoder.onnx")
    features = encoder.run(None, {"mel_spectrogram": windows[:, None].astype(np.float32)})[0]
    assert np.abs(features - np.stack([right.encoder(window) for window in windows])).max() < 1e-5

    images = np.stack([right.tensor(picture[10:42, 8:40]) for picture in look.pictures()[:3]])
    audio = np.stack([right.audio(features, index) for index in (0, 12, 25)])
    network = onnxruntime.InferenceSession(folder / "checkpoint" / "model_best.onnx")
    given = {"input": images.astype(np.float32), "audio": audio.astype(np.float32)}
    expected = [right.network(image, heard) for image, heard in zip(images, audio, strict=True)]
    assert np.abs(network.run(None, given)[0] - np.stack(expected)).max() < 1e-5


def a_mel_not_turned(self: Reference, mel: Any, index: int) -> Any:
    return right_window(self, mel, index).T.reshape(80, 16)


def a_window_one_row_late(self: Reference, mel: Any, index: int) -> Any:
    return right_window(self, np.roll(mel, -1, axis=0), index)


def features_in_columns(self: Reference, features: Any, index: int) -> Any:
    return right_audio(self, features, index).reshape(16, 512).T.reshape(32, 16, 16)


def a_frame_late(self: Reference, features: Any, index: int) -> Any:
    return right_audio(self, features, index + 1)


def one_window_for_a_second(self: Reference, features: Any, index: int) -> Any:
    return right_audio(self, features, index // 25 * 25)


def the_edge_row_repeated(self: Reference, features: Any, index: int) -> Any:
    rows = np.clip(np.arange(index - 8, index + 8), 0, len(features) - 1)
    return features[rows].reshape(32, 16, 16)


def no_row_doubled(self: Reference, samples: Any) -> Any:
    return right_features(self, samples)[1:-1]


def colours_swapped(self: Reference, face: Any) -> Any:
    return right_tensor(self, face[:, :, ::-1])


def the_masked_face_first(self: Reference, face: Any) -> Any:
    return np.roll(right_tensor(self, face), 3, axis=0)


def the_mask_turned(self: Reference, face: Any) -> Any:
    return right_tensor(self, face.transpose(1, 0, 2)).transpose(0, 2, 1)


def colours_from_minus_one(self: Reference, face: Any) -> Any:
    return right_tensor(self, face) * 2 - 1


right_window, right_audio, right_tensor = Reference.window, Reference.audio, Reference.tensor
right_features = Reference.features

WRONG: list[tuple[str, Callable[..., Any]]] = [
    ("window", a_mel_not_turned),
    ("window", a_window_one_row_late),
    ("audio", features_in_columns),
    ("audio", a_frame_late),
    ("audio", one_window_for_a_second),
    ("features", no_row_doubled),
    ("tensor", colours_swapped),
    ("tensor", the_masked_face_first),
    ("tensor", colours_from_minus_one),
]


@pytest.mark.parametrize(("step", "wrong"), WRONG, ids=[wrong.__name__ for _, wrong in WRONG])
def test_a_wrong_step_gives_a_film_that_differs_clearly(step: str, wrong: Callable[..., Any]) -> None:
    assert difference(Reference(LOOK), type("Wrong", (Reference,), {step: wrong})(LOOK)) > CLEARLY


def test_small_mistakes_differ_where_they_are_made() -> None:
    """Repeated edge rows change the first and last frames only, and a turned mask the rim of the mouth only."""
    right = Reference(LOOK).film(SOUND)
    edges = type("Wrong", (Reference,), {"audio": the_edge_row_repeated})(LOOK).film(SOUND)
    far = [index for index, (a, b) in enumerate(zip(right, edges, strict=True)) if np.abs(a.astype(int) - b).max() > 2]
    assert far == [*range(8), *range(42, 50)]
    turned = type("Wrong", (Reference,), {"tensor": the_mask_turned})(LOOK).film(SOUND)
    assert min(np.abs(a.astype(int) - b).max() for a, b in zip(right, turned, strict=True)) > 10


def test_another_background_and_the_old_paste_differ_clearly() -> None:
    assert difference(Reference(LOOK), Reference(LOOK), first_background=1) > CLEARLY
    assert difference(Reference(LOOK), Reference(LOOK, legacy_paste=True)) > CLEARLY


def test_silence_gives_the_face_back_and_a_loud_sound_darkens_the_mouth() -> None:
    look = FaceLook()
    film = Reference(look).film(sounds.as_int16(sounds.loud_from(1.0, 2.0)))
    before = np.abs(film[5].astype(int) - look.pictures()[shown(5, look.frames)])
    assert before.max() <= 40  # the face was made smaller and larger again
    assert before.mean() < 1
    middles = [float(frame[25:38, 20:38].mean()) for frame in film]
    assert middles[35] < 0.75 * middles[5]


def test_each_background_says_its_number() -> None:
    film = Reference(FaceLook(frames=4)).film(np.zeros(16_000), first_background=5)
    assert [number_of(frame) for frame in film[:7]] == [0, 1, 2, 3, 2, 1, 0]
    assert [shown(position, 4) for position in range(8)] == [1, 2, 3, 2, 1, 0, 1, 2]
    assert [shown(position, 1) for position in range(3)] == [0, 0, 0]


def test_the_old_paste_keeps_corners_and_truncates() -> None:
    face = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3) * 5
    bigger = reference.stretched(face, 8)
    assert (bigger[::2, ::2] == face).all()
    assert bigger[0, 1, 0] == (int(face[0, 0, 0]) + int(face[0, 1, 0])) // 2


def test_opencv_ignores_a_flag_that_is_not_named() -> None:
    """The third argument of `resize` is a picture to write into: cubic is asked for in vain, without an error."""
    import cv2

    picture = LOOK.pictures()[0]
    unnamed = cv2.resize(picture, (80, 80), cv2.INTER_CUBIC)
    assert (unnamed == cv2.resize(picture, (80, 80), interpolation=cv2.INTER_LINEAR)).all()
    assert (unnamed != cv2.resize(picture, (80, 80), interpolation=cv2.INTER_CUBIC)).mean() > 0.1
