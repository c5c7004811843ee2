"""The adapter of faces on tiny faces: parts of a sound equal the whole, and what is no face is refused in one line."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError, InvalidInput, MissingExtra, ModelLoadError
from tasks.media.stretches import frames_of
from tasks.media.wav import encode_wav
from tasks.messages import StretchRequest
from tasks.messages.lipsync import SOUND_RATE
from tests.fixtures.faces.folder import FaceLook, make_face
from tests.fixtures.faces.graphs import Shape
from tests.fixtures.faces.reference import Reference
from tests.fixtures.faces.sounds import as_int16, babble
from workers.adapters import onnx_session
from workers.adapters.base import Offer
from workers.adapters.lipsync import Lipsync
from workers.adapters.lipsync.prepared import Mouths
from workers.adapters.outputs import Encoding

pytestmark = pytest.mark.usefixtures("model_packages")

PLACE = "models.toml line 1: [models.faces]"
SOUND = as_int16(babble(3.03))
SAMPLES = len(SOUND)
FRAMES = frames_of(SAMPLES)
FIRST = 3
"""The place of the first frame's background."""
WAV = encode_wav((SOUND * 32768).astype(np.int16), SOUND_RATE)


@pytest.fixture
def made() -> Iterator[ExitStack]:
    """Unloads at the end what was put into it."""
    with ExitStack() as stack:
        yield stack


def face(folder: Path, device: str = "cpu", batch_size: int = 16, **options: Any) -> Lipsync:
    entry = ModelEntry(
        name="faces", adapter="lipsync", path=str(folder), batch_size=batch_size, options=options, place=PLACE
    )
    adapter = Lipsync(entry, device)
    adapter.read_artifact = lambda name: WAV
    return adapter


def loaded(made: ExitStack, folder: Path, **options: Any) -> Lipsync:
    adapter = face(folder, **options)
    made.callback(adapter.unload)
    adapter.load()
    return adapter


def stretch(start: int = 0, frames: int = FRAMES, **fields: Any) -> StretchRequest:
    given = {"start": start, "frames": frames, "first_background": FIRST + start, "samples": SAMPLES}
    return StretchRequest.parse({"model": "faces", "sounds": ["sound"], **given, **fields})


def film(adapter: Lipsync, stretches: Sequence[StretchRequest]) -> list[Any]:
    """The frames of each stretch, all computed in one run."""
    outcomes = adapter.run([adapter.prepare(one) for one in stretches])
    films = []
    for item, outcome in zip(stretches, outcomes, strict=True):
        assert not isinstance(outcome, Exception), outcome
        films.append(np.stack(list(adapter.finish(item, outcome).frames)))
    return films


@pytest.mark.parametrize("kind", ["brightness", "position"])
def test_a_film_is_that_of_plain_numpy(made: ExitStack, tmp_path: Path, kind: Any) -> None:
    look = FaceLook(kind=kind)
    (frames,) = film(loaded(made, make_face(tmp_path, "anna", look)), [stretch()])
    apart = np.abs(frames.astype(int) - Reference(look).film(SOUND, FIRST))
    assert apart.max() <= 1  # numpy computes in float64: a value that is nearly whole may be cut down to another one
    assert apart.mean() < 1e-4


@pytest.mark.parametrize("length", [7, 25, 40])
def test_stretches_in_any_order_have_the_bits_of_the_whole(made: ExitStack, tmp_path: Path, length: int) -> None:
    folder = make_face(tmp_path, "anna", FaceLook(kind="position"))
    (whole,) = film(loaded(made, folder), [stretch()])
    stretches = [stretch(start, min(length, FRAMES - start)) for start in range(0, FRAMES, length)]
    random.Random(length).shuffle(stretches)
    films = film(loaded(made, folder, batch_size=11), stretches)
    for item, frames in zip(stretches, films, strict=True):
        np.testing.assert_array_equal(frames, whole[item.start : item.start + item.frames])


def test_an_export_of_one_frame_at_once_and_with_other_names_gives_the_same(made: ExitStack, tmp_path: Path) -> None:
    look = FaceLook(kind="position")
    names = ("visual_input", "audio_input", "image")
    other = replace(look, shape=Shape(batch=1, names=names))
    (expected,) = film(loaded(made, make_face(tmp_path / "a", "anna", look)), [stretch(0, 9)])
    (frames,) = film(loaded(made, make_face(tmp_path / "b", "anna", other)), [stretch(0, 9)])
    np.testing.assert_array_equal(frames, expected)


def test_the_faces_of_a_slot_share_one_audio_encoder(made: ExitStack, tmp_path: Path, monkeypatch: Any) -> None:
    opened: list[str] = []

    def open_session(file: Path, *given: Any, **more: Any) -> Any:
        opened.append(file.name)
        return _open(file, *given, **more)

    _open = onnx_session.open_session
    folders = [make_face(tmp_path, name) for name in ("anna", "ben")]
    monkeypatch.setattr(onnx_session, "open_session", open_session)
    for folder in folders:
        loaded(made, folder)
    assert sorted(opened) == ["audio_encoder.onnx", "model_best.onnx", "model_best.onnx"]


def test_a_network_of_other_features_is_refused_at_the_load(tmp_path: Path) -> None:
    folder = make_face(tmp_path, "anna", FaceLook(shape=Shape(audio=(16, 32, 32))))
    with pytest.raises(ModelLoadError, match=r"takes sound as \[16, 32, 32\], which are the features of HuBERT"):
        face(folder).load()


def test_a_face_folder_that_cannot_be_shown_is_refused_at_the_load(tmp_path: Path) -> None:
    folder = make_face(tmp_path, "anna")
    (folder / "frames" / "frame_0009.png").unlink()
    for step in (
        face(folder).check_files,
        face(folder).load,
        lambda: face(folder).attach(Offer("r", details={"side": 32})),
    ):
        with pytest.raises(ModelLoadError, match="has 9 frames, but .* has 10 rectangles") as caught:
            step()
        assert str(caught.value).startswith(PLACE)
        assert "\n" not in str(caught.value)


def test_the_audio_encoder_lies_beside_the_faces_or_where_the_table_says(made: ExitStack, tmp_path: Path) -> None:
    folder = make_face(tmp_path, "anna")
    (tmp_path / "audio_encoder.onnx").rename(tmp_path / "other.onnx")
    with pytest.raises(ModelLoadError, match=r"audio_encoder: .*/audio_encoder.onnx is missing; all faces share"):
        face(folder).check_files()
    loaded(made, folder, audio_encoder="other.onnx")
    (tmp_path / "other.onnx").write_bytes(b"")
    with pytest.raises(ModelLoadError, match=r"audio_encoder: .*/other.onnx is empty"):
        face(folder, audio_encoder="other.onnx").load()
    (tmp_path / "other.onnx").write_bytes((folder / "checkpoint" / "model_best.onnx").read_bytes())
    with pytest.raises(ModelLoadError, match=r"audio_encoder: .*/other.onnx is no audio encoder of these faces"):
        face(folder, audio_encoder="other.onnx").load()


def test_frames_beyond_the_sound_are_refused_before_anything_is_read(made: ExitStack, tiny_face_folder: Path) -> None:
    adapter = face(tiny_face_folder)
    adapter.check(stretch())
    with pytest.raises(InvalidInput, match="^frames: .* beyond the sound"):
        adapter.check(stretch(1))


def test_what_decides_the_film_is_in_its_name(made: ExitStack, tmp_path: Path) -> None:
    folder = make_face(tmp_path, "anna")

    def named(item: StretchRequest | None = None, **options: Any) -> Any:
        return loaded(made, folder, **options).ingredients(item or stretch())

    before = named()
    assert named() == before
    assert named(threads=1) == before
    for options in ({"legacy_paste": True}, {"crf": 30}, {"preset": "ultrafast"}, {"encoder": "mpeg4"}):
        assert named(**options) != before
    assert named(stretch(pictures="png"), crf=30) == named(stretch(pictures="png"))
    rectangles = (folder / "crop_rects.json").read_text().replace("[", "[ ", 1)
    (folder / "crop_rects.json").write_text(rectangles)
    assert named() == before
    (folder / "frames" / "frame_0003.png").write_bytes((folder / "frames" / "frame_0004.png").read_bytes() + b"\0")
    assert named() != before


def test_a_film_says_how_it_is_encoded_and_which_picture_is_its_first(made: ExitStack, tiny_face_folder: Path) -> None:
    adapter = loaded(made, tiny_face_folder, encoder="mpeg4", preset="fast", crf=31)
    item = stretch(25, 5, pictures="png")
    (mouths,) = adapter.run([adapter.prepare(item)])
    assert isinstance(mouths, Mouths)
    made_film = adapter.finish(item, mouths)
    assert (made_film.count, made_film.start, made_film.pictures) == (5, 25, "png")
    assert made_film.encoding == Encoding("mpeg4", "fast", 31)
    assert len(list(made_film.frames)) == 5


def test_a_wrong_encoder_or_preset_is_refused_in_one_line(tiny_face_folder: Path) -> None:
    offer = Offer("r", details={"side": 32})
    with pytest.raises(MissingExtra, match=r"line 1: \[models.faces\] encoder: 'h264_none' is not an encoder"):
        face(tiny_face_folder, encoder="h264_none").attach(offer)
    with pytest.raises(CatalogError, match="preset: .*'quick'"):
        face(tiny_face_folder, preset="quick")
    with pytest.raises(CatalogError, match="crf: .*52"):
        face(tiny_face_folder, crf=52)


def test_what_the_face_counts_of_its_pictures_is_told_without_waiting(made: ExitStack, tiny_face_folder: Path) -> None:
    adapter = face(tiny_face_folder)
    assert adapter.stats() == {}
    adapter = loaded(made, tiny_face_folder)
    film(adapter, [stretch(0, 5)])
    assert {"hits", "misses", "decode_s", "bytes"} <= adapter.stats().keys()
    adapter.detach()
    assert adapter.stats()["frames"] == 0


def test_batch_size_counts_frames() -> None:
    assert [Lipsync.inputs_at_once(frames) for frames in (1, 16, 25, 49, 50, 100)] == [1, 1, 1, 1, 2, 4]


@pytest.mark.parametrize(("half", "tf32"), [("true", "1"), ("false", "0")])
def test_a_gpu_computes_in_tf32_unless_the_setting_says_otherwise(
    tiny_face_folder: Path, own_environment: None, monkeypatch: pytest.MonkeyPatch, half: str, tf32: str
) -> None:
    chosen: list[Any] = []

    def open_session(file: Path, device: str, threads: int, place: str, providers: Any, **more: Any) -> Any:
        chosen.extend(providers)
        raise ModelLoadError("enough")

    monkeypatch.setenv("GPU_USE_FP16", half)
    monkeypatch.setattr(onnx_session, "open_session", open_session)
    with pytest.raises(ModelLoadError, match="enough"):
        face(tiny_face_folder, device="cuda:0").load()
    assert dict(chosen)["CUDAExecutionProvider"]["use_tf32"] == tf32


def test_tensorrt_comes_before_cuda_where_the_table_wants_it(
    tiny_face_folder: Path, own_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    chosen: list[str] = []
    _open = onnx_session.open_session

    def open_session(file: Path, device: str, threads: int, place: str, given: Any = None, **more: Any) -> Any:
        if file.name == "model_best.onnx" and given:
            chosen.extend(name for name, _ in given)
        return _open(file, "cpu", threads, place)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(onnx_session, "open_session", open_session)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["TensorrtExecutionProvider"])
    for tensorrt in (True, False):
        face(tiny_face_folder, device="cuda:0", tensorrt=tensorrt).load()
    assert chosen == ["TensorrtExecutionProvider", *["CUDAExecutionProvider", "CPUExecutionProvider"] * 2]


def test_on_a_cpu_a_face_takes_at_least_the_size_of_its_network(made: ExitStack, tiny_face_folder: Path) -> None:
    size = (tiny_face_folder / "checkpoint" / "model_best.onnx").stat().st_size
    assert (loaded(made, tiny_face_folder).memory_bytes() or 0) >= size
    assert face(tiny_face_folder, device="cuda:0").memory_bytes() is None
