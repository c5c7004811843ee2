"""Sessions of ONNX Runtime: the options of a GPU, a build that does not take it, and threads that wait."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.errors import ModelLoadError
from tests.fixtures.processes import ROOT
from tests.unit.workers.adapters.kokoro import tiny_onnx
from workers.adapters import hardware
from workers.adapters.onnx_session import SHRINKAGE, SPINS, open_session, providers, shrinking

PLACE = "models.toml line 1: [models.kokoro]"


@pytest.mark.usefixtures("model_packages")
def test_threads_that_wait_for_each_other_leave_the_core_to_others(tmp_path: Path) -> None:
    tiny_onnx.write_model(tmp_path / "model.onnx")
    made = open_session(tmp_path / "model.onnx", "cpu", 2, PLACE)
    assert made.get_session_options().get_session_config_entry(SPINS) == "0"


@pytest.mark.usefixtures("model_packages")
def test_a_session_has_this_slots_share_of_the_cores_where_no_number_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_onnx.write_model(tmp_path / "model.onnx")
    monkeypatch.setattr(hardware, "threads", lambda wanted, device: wanted or 3)
    for given, threads in ((0, 3), (2, 2)):
        made = open_session(tmp_path / "model.onnx", "cpu", given)
        assert made.get_session_options().intra_op_num_threads == threads


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


MEASURES = """
import sys
import numpy as np
from workers.adapters import hardware
from workers.adapters.onnx_session import open_session, shrinking

session = open_session(sys.argv[1], "cpu", 1, "here:", shrinks=True)
given = {"x": np.ones((8, 1024, 1024), np.float32)}
before = hardware.memory("cpu")["rss_bytes"]
session.run(None, given)
kept = hardware.memory("cpu")["rss_bytes"]
session.run(None, {"x": given["x"][:1]}, shrinking("cpu"))
print(kept - before, kept - hardware.memory("cpu")["rss_bytes"])
"""
"""In a process of its own: one that has freed much memory before has room that no figure shows."""


@pytest.mark.usefixtures("model_packages")
def test_a_session_frees_the_memory_that_it_works_in_when_it_is_asked(tmp_path: Path) -> None:
    _write_large(tmp_path / "large.onnx")
    command = [sys.executable, "-c", MEASURES, str(tmp_path / "large.onnx")]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout
    took, freed = map(int, told.split())
    assert took > 60 << 20  # arrays of 32 MB
    assert freed > 30 << 20  # on a CPU the first one stays


def _write_large(path: Path) -> None:
    """The sum of a large array, which works in arrays of its size."""
    from onnx import TensorProto, helper, save

    nodes = [
        helper.make_node("Sin", ["x"], ["a"]),
        helper.make_node("Exp", ["a"], ["b"]),
        helper.make_node("Mul", ["a", "b"], ["c"]),
        helper.make_node("ReduceSum", ["c"], ["y"], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1024, 1024])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])]
    graph = helper.make_graph(nodes, "large", inputs, outputs)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))


@pytest.mark.usefixtures("model_packages")
def test_a_gpu_frees_the_memory_of_its_own_number() -> None:
    assert shrinking("cuda:1").get_run_config_entry(SHRINKAGE) == "gpu:1"
