"""The engine on ONNX Runtime: exports that differ; on a small model with real inputs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.unit.workers.adapters.kokoro import tiny_onnx
from workers.adapters.kokoro.engine import FRAME
from workers.adapters.kokoro.onnx_engine import Input, OnnxEngine, inputs_of

PLACE = "models.toml line 1: [models.kokoro]"
STYLE = np.full(256, 0.02, np.float32)


def engine(folder: Path, **export: Any) -> OnnxEngine:
    tiny_onnx.write_model(folder / "model.onnx", **export)
    return OnnxEngine(folder / "model.onnx", "cpu", 1, PLACE)


@pytest.mark.usefixtures("model_packages")
@pytest.mark.parametrize("speed", [0.5, 1.0, 1.4, 2.0])
def test_an_export_is_fed_as_it_wants_and_says_what_it_read(tmp_path: Path, speed: float) -> None:
    made = engine(tmp_path).speak([5, 6, 7], STYLE, speed)
    assert len(made.samples) == 5 * round(tiny_onnx.FRAMES / speed) * FRAME
    assert made.samples.dtype == np.float32
    assert list(made.ids) == [0, 5, 6, 7, 0]
    assert list(made.durations) == []


@pytest.mark.usefixtures("model_packages")
def test_a_newer_export_has_other_names_a_whole_speed_and_durations(tmp_path: Path) -> None:
    other = engine(tmp_path, tokens="input_ids", style="ref_s", whole_speed=True, tells_durations=True)
    assert other.has_whole_speeds
    made = other.speak([5, 6, 7], STYLE, 2.0)
    assert list(made.ids) == [0, 5, 6, 7, 0]
    assert list(made.durations) == [2] * 5
    assert len(made.samples) == sum(made.durations) * FRAME
    assert not engine(tmp_path).has_whole_speeds


def session(*inputs: tuple[str, str, int]) -> Any:
    given = [SimpleNamespace(name=name, type=kind, shape=[1] * dimensions) for name, kind, dimensions in inputs]
    return SimpleNamespace(get_inputs=lambda: given)


def test_inputs_are_read_from_the_model_with_their_types_and_dimensions() -> None:
    found = inputs_of(
        session(("input_ids", "tensor(int32)", 2), ("style", "tensor(float16)", 3), ("speed", "tensor(double)", 0))
    )
    assert found == {
        "tokens": Input("input_ids", 2, "int32"),
        "style": Input("style", 3, "float16"),
        "speed": Input("speed", 0, "float64"),
    }
    assert found["tokens"].of([0, 4, 0]).shape == (1, 3)
    assert found["style"].of(STYLE).shape == (1, 1, 256)
    assert found["speed"].of(1.25).shape == ()
    assert found["speed"].of(1.25) == 1.25


def test_a_model_with_other_inputs_is_refused_by_their_names() -> None:
    with pytest.raises(ValueError, match="it has an input mel"):
        inputs_of(session(("mel", "tensor(float)", 2)))
    with pytest.raises(ValueError, match="it has no input style and no input speed"):
        inputs_of(session(("tokens", "tensor(int64)", 2)))
