"""The engine on ONNX Runtime: exports that differ, and the options of a GPU; on a small model with real inputs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.errors import ModelLoadError
from tests.unit.workers.adapters.kokoro import tiny_onnx
from workers.adapters.kokoro.engine import FRAME
from workers.adapters.kokoro.onnx_engine import SPINS, Input, OnnxEngine, inputs_of, providers

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


@pytest.mark.usefixtures("model_packages")
def test_threads_that_wait_for_each_other_leave_the_core_to_others(tmp_path: Path) -> None:
    tiny_onnx.write_model(tmp_path / "model.onnx")
    made = OnnxEngine(tmp_path / "model.onnx", "cpu", 2, PLACE)
    assert made._session.get_session_options().get_session_config_entry(SPINS) == "0"


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


def test_a_gpu_has_the_options_that_texts_of_many_lengths_need() -> None:
    (name, options), (last, _) = providers("cuda:1")
    assert (name, last) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert options["arena_extend_strategy"] == "kSameAsRequested"
    assert options["device_id"] == "1"
    assert [name for name, _ in providers("cpu")] == ["CPUExecutionProvider"]


@pytest.mark.usefixtures("model_packages")
def test_a_gpu_slot_is_refused_where_onnxruntime_does_not_take_the_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    tiny_onnx.write_model(tmp_path / "model.onnx")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ModelLoadError, match=r"cuda:0, but onnxruntime .* is a CPU build; .*slotline\[onnx-gpu\]"):
        OnnxEngine(tmp_path / "model.onnx", "cuda:0", 1, PLACE)
    # What a GPU build does whose CUDA libraries do not fit: it logs an error, and makes a session on the CPU.
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    fallen_back = SimpleNamespace(disable_fallback=lambda: None, get_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: fallen_back)
    with pytest.raises(ModelLoadError, match="cuda:0, but ONNX Runtime .* could not use it"):
        OnnxEngine(tmp_path / "model.onnx", "cuda:0", 1, PLACE)
