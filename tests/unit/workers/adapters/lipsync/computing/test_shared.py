"""What the faces of a slot share: one encoder as long as a face is loaded, one set of arrays, one limit."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from tests.unit.workers.adapters.lipsync.computing.sessions import encoder_session, network_session
from workers.adapters.lipsync.computing import network
from workers.adapters.lipsync.computing.encoder import AudioEncoder
from workers.adapters.lipsync.computing.network import Network, Shape
from workers.adapters.lipsync.computing.shared import Shared, shared

SHAPE = Shape(32, None, "float32", ("a", "b", "c"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "audio_encoder.onnx"
    made.write_bytes(b"weights")
    return made


def encoder() -> AudioEncoder:
    return AudioEncoder(encoder_session(), Path("e"), "")


def test_the_encoder_is_loaded_once_and_goes_with_the_last_face(file: Path) -> None:
    anna = shared(file, "cpu", 4, encoder)
    ben = shared(file, "cpu", 4, encoder)
    assert anna is ben
    first = id(anna.encoder)
    kept = anna.encoder
    del anna, ben
    gc.collect()
    assert id(shared(file, "cpu", 4, encoder).encoder) != first
    del kept


def test_another_file_device_or_number_of_frames_is_another_one(file: Path) -> None:
    one = shared(file, "cpu", 4, encoder)
    assert shared(file, "cuda:0", 4, encoder) is not one
    assert shared(file, "cpu", 5, encoder) is not one
    os.utime(file, ns=(1, 1))
    assert shared(file, "cpu", 4, encoder) is not one


def test_arrays_are_made_once_for_all_networks_alike() -> None:
    one = Shared(encoder(), 4)
    arrays = one.arrays(SHAPE)
    assert one.arrays(SHAPE) is arrays
    assert len(arrays.pictures) == 4
    assert one.arrays(Shape(40, None, "float32", ("a", "b", "c"))) is not arrays
    assert len(one.arrays(Shape(32, 9, "float32", ("a", "b", "c"))).pictures) == 9


def test_a_network_frees_its_memory_when_another_face_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "shrinking", lambda device: f"free it on {device}")
    sessions = [network_session(), network_session()]
    anna, ben = (Network(session, Path("n"), "", "cuda:0") for session in sessions)
    one = Shared(encoder(), 4)
    for face in (anna, anna, ben, ben):
        one.begin(face)
    assert [session.sizes for session in sessions] == [[1], []]
    assert sessions[0].options == ["free it on cuda:0"]
    del face, anna, ben, sessions
    gc.collect()
    one.begin(Network(network_session(), Path("n"), ""))  # one that is unloaded has nothing to free


def test_fewer_frames_are_taken_at_once_when_memory_has_run_out() -> None:
    one = Shared(encoder(), 25)
    one.halve(25, "cpu")
    assert one.frames == 12
    one.halve(1, "cpu")
    assert one.frames == 1
