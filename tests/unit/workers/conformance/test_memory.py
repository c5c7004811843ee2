"""What a process uses, and which objects of models it holds."""

from __future__ import annotations

import sys
import types

import pytest

from workers.conformance.memory import measured


def test_the_host_s_memory_is_measured_and_without_a_gpu_none_of_it() -> None:
    found = measured("cpu")
    assert found.host_bytes > 1_000_000
    assert found.gpu_bytes is None
    assert found.torch_bytes == 0


def test_objects_of_a_model_are_counted_while_somebody_holds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class InferenceSession:
        def __init__(self) -> None:
            self.graph: list[int] = []

    name = "onnxruntime.capi.onnxruntime_inference_collection"
    module = types.ModuleType(name)
    module.InferenceSession = InferenceSession  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)
    held = InferenceSession()
    counted = measured("cpu").held
    assert counted is not None
    assert sum(number for what, number in counted.items() if what.endswith("InferenceSession")) == 1
    del held
    left = measured("cpu").held
    assert left is not None
    assert not [what for what in left if what.endswith("InferenceSession")]
