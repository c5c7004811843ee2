"""A network's inputs are told by position and shape, and what is no network of a face is refused by what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.errors import ModelLoadError
from tests.unit.workers.adapters.lipsync.computing.sessions import SIDE, Session, network_session
from workers.adapters.lipsync.computing.arrays import BatchArrays
from workers.adapters.lipsync.computing.network import Network, Shape, shape_of

PLACE = "models.toml line 1: [models.faces]"
FILE = Path("anna/checkpoint/model_best.onnx")


def test_inputs_are_told_by_position_and_shape_whatever_their_names() -> None:
    assert shape_of(network_session(), FILE, PLACE) == Shape(
        SIDE, None, "float32", ("visual_input", "audio_input", "output")
    )
    fixed = network_session(batch=1)
    fixed.kind = "tensor(float16)"
    assert shape_of(fixed, FILE, PLACE) == Shape(SIDE, 1, "float16", ("visual_input", "audio_input", "output"))


@pytest.mark.parametrize(
    ("hears", "said"),
    [
        ((16, 32, 32), "HuBERT for faces of 160 pixels; a face needs [32, 16, 16] (SyncTalk 2D, «ave»)"),
        ((32, 32, 32), "takes sound as [32, 32, 32], which are the features of HuBERT; a face needs"),
        ((256, 16, 32), "which are the features of WeNet; a face needs"),
        ((32, 16, 8), "takes sound as [32, 16, 8]; a face needs [32, 16, 16]"),
    ],
)
def test_a_network_that_hears_other_features_is_refused_by_their_name(hears: tuple[int, ...], said: str) -> None:
    with pytest.raises(ModelLoadError) as caught:
        shape_of(network_session(hears=hears), FILE, PLACE)
    assert str(caught.value).startswith(f"{PLACE} path: {FILE} takes sound as ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def _with(inputs: dict[str, list[Any]], outputs: dict[str, list[Any]], kind: str = "tensor(float)") -> Session:
    return Session(inputs, outputs, lambda *arrays: arrays[0], kind)


SEES, HEARS, MAKES = {"input": ["b", 6, 64, 64]}, {"audio": ["b", 32, 16, 16]}, {"output": ["b", 3, 64, 64]}


@pytest.mark.parametrize(
    ("session", "said"),
    [
        (_with(SEES, MAKES), "it has 1 inputs and 1 outputs, not 2 and 1"),
        (_with({**HEARS, **SEES}, MAKES), "it takes pictures as ['b', 32, 16, 16], and not [frames, 6, side, side]"),
        (_with({"input": ["b", 6, "h", "w"], **HEARS}, MAKES), "it takes pictures as ['b', 6, 'h', 'w']"),
        (_with({"input": ["b", 6, 64, 32], **HEARS}, MAKES), "it takes pictures as ['b', 6, 64, 32]"),
        (_with({**SEES, **HEARS}, {"output": ["b", 1, 64, 64]}), "it gives ['b', 1, 64, 64], and not [frames, 3, 64"),
        (_with({**SEES, **HEARS}, MAKES, "tensor(double)"), "takes numbers of types that no face has: tensor(double)"),
    ],
)
def test_what_is_no_network_of_a_face_is_refused_by_what_it_takes(session: Session, said: str) -> None:
    with pytest.raises(ModelLoadError) as caught:
        shape_of(session, FILE, PLACE)
    assert said in str(caught.value)


def test_a_network_of_a_fixed_number_of_frames_gets_that_number() -> None:
    session = network_session(batch=4)
    network, arrays = Network(session, FILE, PLACE), BatchArrays(4, SIDE, "float32")
    arrays.pictures[:] = np.arange(4)[:, None, None, None]
    assert network.run(arrays, 3)[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert session.sizes == [4]
