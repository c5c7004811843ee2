"""Opens an ONNX file in ONNX Runtime on a slot's device; adapters that use ONNX Runtime share it.

A GPU slot whose ONNX Runtime does not take the GPU is refused. Imports ONNX Runtime inside functions, torch nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from tasks.errors import ModelLoadError
from workers.adapters import hardware

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"

SPINS = "session.intra_op.allow_spinning"

INITIALIZERS_APART = "session.use_device_allocator_for_initializers"

SHRINKAGE = "memory.enable_memory_arena_shrinkage"

TYPES = {
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
}
"""ONNX Runtime's name of a type -> numpy's."""

Provider: TypeAlias = tuple[str, Mapping[str, str]]
"""A provider's name and its options."""


def providers(device: str, **cuda: str) -> list[Provider]:
    """ONNX Runtime's providers for the device (`cpu`, `cuda:0`), with their options; `cuda` are further ones of CUDA's.

    HEURISTIC: the default search for the fastest convolution begins again at each new size of an input, which costs
    more than it saves. kSameAsRequested: the memory grows by what is needed, and not to the next power of two.
    """
    cpu = (CPU, {"arena_extend_strategy": "kSameAsRequested"})
    if not hardware.is_cuda(device):
        return [cpu]
    options = {
        "device_id": number_of(device),
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
    }
    return [(CUDA, {**options, **cuda}), cpu]


def number_of(device: str) -> str:
    """The number of a GPU among those that this process sees."""
    return device.partition(":")[2] or "0"


def open_session(
    path: Path,
    device: str,
    threads: int = 0,
    place: str = "",
    chosen: list[Provider] | None = None,
    *,
    shrinks: bool = False,
) -> Any:
    """A session of the file, with `chosen` providers, else those of `providers`.

    `threads` is the number of its CPU threads; with 0 it has this slot's share of the cores (`hardware.threads`).
    `place` is the model's place in the catalog (`ModelEntry.place`), with which an error begins.
    With `shrinks` its weights lie apart from the memory that a run works in, so that `shrinking` can free all of that.
    Raises `ModelLoadError` if the device is a GPU that ONNX Runtime does not take, and ONNX Runtime's own errors.
    """
    import onnxruntime

    if hardware.is_cuda(device):
        _need_gpu_build(onnxruntime, device, place)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = hardware.threads(threads, device)
    options.inter_op_num_threads = 1
    # Waiting threads would keep their cores busy, which the other slots and the process beside this one need.
    options.add_session_config_entry(SPINS, "0")
    # A plan of the memory is kept for each size of an input, and the next input has another size.
    options.enable_mem_pattern = False
    if shrinks:
        options.add_session_config_entry(INITIALIZERS_APART, "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=chosen or providers(device))
    session.disable_fallback()
    if hardware.is_cuda(device) and CUDA not in session.get_providers():
        raise ModelLoadError(
            f"{place} the slot's device is {device}, but ONNX Runtime {onnxruntime.__version__} could not use it (its"
            " CUDA or cuDNN does not fit; its own message is above); set MODEL_DEVICE=cpu, or install what it needs"
        )
    return session


def shrinking(device: str) -> Any:
    """The options of a run at whose end the session frees the memory that it works in, and keeps for the next run."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry(SHRINKAGE, f"gpu:{number_of(device)}" if hardware.is_cuda(device) else "cpu:0")
    return options


def _need_gpu_build(onnxruntime: Any, device: str, place: str) -> None:
    """Raise `ModelLoadError` for a CPU build; find CUDA's libraries where pip has put them."""
    if CUDA not in onnxruntime.get_available_providers():
        raise ModelLoadError(
            f"{place} the slot's device is {device}, but onnxruntime {onnxruntime.__version__} is a CPU build; set"
            " MODEL_DEVICE=cpu, or run: pip uninstall -y onnxruntime && pip install 'slotline[onnx-gpu]'"
        )
    if hasattr(onnxruntime, "preload_dlls"):  # since 1.21
        onnxruntime.preload_dlls()
