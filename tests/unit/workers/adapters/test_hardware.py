"""What a device means: precision, threads, providers, memory, and the errors that speak of it."""

from __future__ import annotations

import gc
import os
import sys
import weakref

import pytest

from tasks.errors import MissingExtra, OutOfMemory
from tasks.settings import settings
from workers.adapters import hardware


def test_half_precision_is_for_a_gpu_and_can_be_switched_off(
    own_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.cache_clear()
    monkeypatch.delenv("GPU_USE_FP16", raising=False)
    assert [hardware.is_half(device) for device in ("cpu", "cuda:0")] == [False, True]
    settings.cache_clear()
    monkeypatch.setenv("GPU_USE_FP16", "false")
    assert not hardware.is_half("cuda:0")
    settings.cache_clear()


def test_the_cores_are_divided_among_the_hosts_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    chosen = settings().model_copy(update={"cpu_slots": 3, "max_instances": None})
    monkeypatch.setattr(hardware, "settings", lambda: chosen)
    assert hardware.threads(0, "cpu") == 5
    assert hardware.threads(0, "cuda:0") == hardware.MOST_GPU_THREADS
    assert hardware.threads(7, "cpu") == 7
    chosen = chosen.model_copy(update={"cpu_slots": 64, "max_instances": 8})
    assert hardware.threads(0, "cpu") == 1
    assert hardware.threads(0, "cuda:0") == 2


@pytest.mark.usefixtures("model_packages")
def test_two_builds_of_onnx_runtime_at_once_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_is_installed", lambda distribution: True)
    with pytest.raises(MissingExtra, match=r"both installed .* pip install 'slotline\[onnx-gpu\]'$"):
        hardware.check_onnxruntime("cuda:0", "here")


@pytest.mark.usefixtures("model_packages")
def test_a_gpu_slot_with_onnx_runtime_for_cpus_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    hardware.check_onnxruntime("cuda:0", "here")
    assert "pip install 'slotline[onnx-gpu]'" in caplog.text
    assert hardware.providers("cuda:0") == ["CPUExecutionProvider"]


@pytest.mark.usefixtures("model_packages")
def test_a_cpu_slot_computes_on_the_cpu_whatever_the_host_has() -> None:
    assert hardware.providers("cpu") == ["CPUExecutionProvider"]
    hardware.check_torch("cpu", "here")


class Held:
    """Something that refers to itself, as a model's parts do."""

    def __init__(self) -> None:
        self.itself = self


def test_what_nothing_refers_to_any_more_is_given_back_though_it_refers_to_itself() -> None:
    gc.disable()
    try:
        held = weakref.ref(Held())
        assert held() is not None
        hardware.release("cpu")
        assert held() is None
    finally:
        gc.enable()


def test_the_memory_of_a_cpu_slot_is_its_process_and_asking_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    before = hardware.memory("cuda:0")
    assert before["rss_bytes"] == before["allocated_bytes"] == before["reserved_bytes"]
    taken = b"\1" * 100_000_000
    assert hardware.memory("cpu")["rss_bytes"] - before["rss_bytes"] > len(taken) / 2
    assert "torch" not in sys.modules


def test_a_host_without_memory_is_out_of_memory_without_torch_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert isinstance(hardware.memory_error(MemoryError(), "cpu"), OutOfMemory)


@pytest.mark.usefixtures("model_packages")
def test_a_gpu_without_memory_says_so_in_one_line_and_no_other_error_is_taken_for_it() -> None:
    import torch

    full = torch.cuda.OutOfMemoryError("CUDA out of memory.\n Tried to allocate 2.00 GiB.")
    said = hardware.memory_error(full, "cuda:0")
    assert isinstance(said, OutOfMemory)
    assert str(said) == (
        "the memory of cuda:0 ran out while computing: CUDA out of memory. Tried to allocate 2.00 GiB."
    )
    assert hardware.memory_error(RuntimeError("CUDA error: an illegal memory access"), "cuda:0") is None
    on_cpu = RuntimeError("[enforce fail at alloc_cpu.cpp:137] DefaultCPUAllocator: not enough memory: you tried")
    assert isinstance(hardware.memory_error(on_cpu, "cpu"), OutOfMemory)


def of_onnxruntime(message: str) -> Exception:
    """An error of ONNX Runtime, whose classes are made in its own module and are no RuntimeErrors."""
    module = {"__module__": "onnxruntime.capi.onnxruntime_pybind11_state"}
    error: Exception = type("RuntimeException", (Exception,), module)(message)
    return error


@pytest.mark.parametrize(
    "message",
    [
        "Non-zero status code: bfc_arena.cc:359 Failed to allocate memory for requested buffer of size 2147483648",
        "std::bad_alloc",
        "CUDA failure 2: out of memory ; GPU=0",
    ],
)
def test_onnxruntime_says_in_its_own_words_that_memory_ran_out(message: str) -> None:
    said = hardware.memory_error(of_onnxruntime(message), "cuda:0")
    assert isinstance(said, OutOfMemory)
    assert message in str(said)
    assert not hardware.is_context_broken(of_onnxruntime(message))
    assert hardware.memory_error(ValueError(message), "cuda:0") is None


@pytest.mark.parametrize(
    ("error", "is_broken"),
    [
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("an index: device-side assert"), True),
        (RuntimeError("a shape is wrong"), False),
        (ValueError("CUDA error"), False),
        (of_onnxruntime("CUDA failure 700: an illegal memory access was encountered ; GPU=0"), True),
        (of_onnxruntime("Invalid Feed Input Name"), False),
    ],
)
def test_only_an_error_of_cuda_itself_breaks_the_process(error: Exception, is_broken: bool) -> None:
    assert hardware.is_context_broken(error) is is_broken


def test_an_error_is_one_short_line_and_its_class_where_it_says_nothing() -> None:
    assert hardware.one_line(ValueError(" two\n lines ")) == "two lines"
    assert hardware.one_line(KeyError()) == "KeyError"
    assert len(hardware.one_line(ValueError("word " * 1000))) == 300
