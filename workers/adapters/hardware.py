"""A slot's device for torch and ONNX Runtime: precision, providers, threads, memory, errors.

Adapters that use these packages share it; it loads no model. The heavy packages are imported
inside the functions. The device was chosen before the child started, and the child cannot see
another one (`CUDA_VISIBLE_DEVICES`).
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import re
import sys
from importlib import metadata

from tasks.errors import MissingExtra, ModelLoadError, OutOfMemory, SlotlineError
from tasks.settings import settings
from tasks.terminal.printable import shortened

logger = logging.getLogger(__name__)

OUT_OF_MEMORY = re.compile(
    r"DefaultCPUAllocator: (?:can't allocate|not enough) memory|bad.?alloc|Failed to allocate memory|CUDA out of memory"
    r"|CUDA failure 2: out of memory|CU(?:BLAS|DNN)_STATUS_ALLOC_FAILED"
)
"""What torch (on a CPU) and ONNX Runtime say when memory runs out."""

BROKEN_CONTEXT = re.compile(r"CUDA error|CUDA failure (?!2:)|device-side assert")
"""What torch and ONNX Runtime say when CUDA itself has failed."""

BOTH_ONNXRUNTIMES = "onnxruntime and onnxruntime-gpu are both installed and overwrite each other"

MOST_GPU_THREADS = 4
"""With a GPU the CPU only prepares and launches work; more threads would wait for each other."""


def is_cuda(device: str) -> bool:
    """Whether `device` (`cpu`, `cuda:0`) is a GPU."""
    return device.startswith("cuda")


def is_half(device: str) -> bool:
    """Whether to compute in float16: on a GPU, unless `GPU_USE_FP16=false`. A CPU is slower with float16."""
    return is_cuda(device) and settings().fp16


def threads(wanted: int, device: str) -> int:
    """CPU threads of this slot: `wanted`; if 0, the usable cores divided by the number of the host's slots."""
    if wanted:
        return wanted
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not is_cuda(device):
        return max(1, cores // settings().cpu_slots)
    return max(1, min(MOST_GPU_THREADS, cores // (settings().max_instances or settings().cpu_slots)))


def check_torch(device: str, place: str) -> None:
    """Raise `ModelLoadError`, which begins with `place`, if the device is a GPU that torch cannot see."""
    import torch

    if is_cuda(device) and not torch.cuda.is_available():
        built = f"was built for CUDA {torch.version.cuda}" if torch.version.cuda else "is a CPU build"
        raise ModelLoadError(
            f"{place} the slot's device is {device}, but torch sees no GPU (torch {torch.__version__} {built});"
            " set MODEL_DEVICE=cpu, or install a CUDA build that the driver can run"
        )


def has_both_onnxruntimes() -> bool:
    """Whether both builds of ONNX Runtime are installed; imports neither."""
    return _is_installed("onnxruntime") and _is_installed("onnxruntime-gpu")


def one_onnxruntime(device: str) -> str:
    """The command after which the one build of ONNX Runtime that fits the device is installed."""
    extra = "onnx-gpu" if is_cuda(device) else "onnx"
    return f"pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'slotline[{extra}]'"


def check_onnxruntime(device: str, place: str) -> None:
    """Raise `MissingExtra` if both builds of ONNX Runtime are installed; log a warning for the wrong one."""
    import onnxruntime

    if has_both_onnxruntimes():
        raise MissingExtra(f"{place} {BOTH_ONNXRUNTIMES}; run: {one_onnxruntime(device)}")
    if is_cuda(device) and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        logger.warning(
            "%s ONNX Runtime is a CPU build and runs on the CPU; to use the GPU run: pip uninstall -y onnxruntime"
            " && pip install 'slotline[onnx-gpu]'",
            place,
        )


def providers(device: str) -> list[str]:
    """ONNX Runtime's providers for the device that this build has, the best one first."""
    import onnxruntime

    wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"] if is_cuda(device) else ["CPUExecutionProvider"]
    return [name for name in wanted if name in onnxruntime.get_available_providers()]


def release(device: str) -> None:
    """Free the memory of a model without references; with `CLEAR_CUDA_CACHE=false` torch keeps its GPU cache."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and is_cuda(device) and settings().clear_cuda_cache:
        torch.cuda.empty_cache()
    _trim()


def _trim() -> None:
    """Let glibc return freed memory to the system; otherwise it keeps memory between living objects."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)


def memory(device: str) -> dict[str, int]:
    """Bytes that this process uses: `rss_bytes` of the host's memory, `allocated_bytes` and `reserved_bytes`.

    On a GPU the last two are torch's values if torch is imported (without ONNX Runtime's memory), else the host's.
    Imports nothing, so it may be called while a model computes or loads.
    """
    rss_bytes = _rss_bytes()
    torch = sys.modules.get("torch")
    if is_cuda(device) and torch is not None and getattr(torch, "cuda", None) and torch.cuda.is_initialized():
        allocated, reserved = int(torch.cuda.memory_allocated()), int(torch.cuda.memory_reserved())
    else:
        allocated = reserved = rss_bytes
    return {"rss_bytes": rss_bytes, "allocated_bytes": allocated, "reserved_bytes": reserved}


def _rss_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux: use the peak
        from workers.upstream.billiard import largest_memory_bytes

        return largest_memory_bytes()


def memory_error(exc: BaseException, device: str) -> SlotlineError | None:
    """`OutOfMemory` with one line if `exc` means that the host's or the GPU's memory ran out; else None.

    Knows the errors of torch and of ONNX Runtime, which are told by their words; imports neither.
    Raise it after `exc` is deleted: the frames of `exc` hold the tensors, which `release` frees then.
    """
    if isinstance(exc, MemoryError):
        return OutOfMemory("the host's memory ran out while computing")
    torch = sys.modules.get("torch")
    is_torchs = torch is not None and isinstance(exc, torch.cuda.OutOfMemoryError)
    if is_torchs or (_is_of_a_library(exc) and OUT_OF_MEMORY.search(str(exc))):
        return OutOfMemory(f"the memory of {device} ran out while computing: {one_line(exc)}")
    return None


def is_context_broken(exc: BaseException) -> bool:
    """Whether CUDA itself failed; then this process cannot compute any more."""
    return _is_of_a_library(exc) and bool(BROKEN_CONTEXT.search(str(exc)))


def _is_of_a_library(exc: BaseException) -> bool:
    """Whether torch or ONNX Runtime may have raised it: torch's are RuntimeErrors, the other's of its own classes."""
    return isinstance(exc, RuntimeError) or type(exc).__module__.partition(".")[0] == "onnxruntime"


def one_line(exc: BaseException) -> str:
    """An error's message in one printable line of at most 300 characters; its class if the message is empty."""
    return shortened(str(exc), 300) or type(exc).__name__


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
