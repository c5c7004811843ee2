"""Sessions of ONNX Runtime: the options of a GPU, a build that does not take it, and threads that wait."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.errors import ModelLoadError
from tests.unit.workers.adapters.kokoro import tiny_onnx
from workers.adapters.onnx_session import SPINS, open_session, providers

PLACE = "models.toml line 1: [models.kokoro]"


@pytest.mark.usefixtures("model_packages")
def test_threads_that_wait_for_each_other_leave_the_core_to_others(tmp_path: Path) -> None:
    tiny_onnx.write_model(tmp_path / "model.onnx")
    made = open_session(tmp_path / "model.onnx", "cpu", 2, PLACE)
    assert made.get_session_options().get_session_config_entry(SPINS) == "0"


def test_a_gpu_has_the_options_that_inputs_of_many_sizes_need() -> None:
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
        open_session(tmp_path / "model.onnx", "cuda:0", 1, PLACE)
    # What a GPU build does whose CUDA libraries do not fit: it logs an error, and makes a session on the CPU.
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    fallen_back = SimpleNamespace(disable_fallback=lambda: None, get_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: fallen_back)
    with pytest.raises(ModelLoadError, match="cuda:0, but ONNX Runtime .* could not use it"):
        open_session(tmp_path / "model.onnx", "cuda:0", 1, PLACE)
