"""What this process uses of the host's and the GPU's memory, and which objects of a model it still holds."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from dataclasses import dataclass

from workers.adapters import hardware
from workers.slots import nvml

MODEL_CLASSES = (
    ("torch.nn.parameter", "Parameter"),
    ("onnxruntime.capi.onnxruntime_inference_collection", "InferenceSession"),
    ("ctranslate2", "Translator"),
)
"""Module and name of the classes whose objects have a model's weights, if their packages are imported.

Not torch's modules: libraries keep small ones for themselves (viettts a detector of speech)."""


@dataclass(frozen=True)
class Memory:
    """In bytes; `gpu_bytes` is None without a GPU, or where the driver does not show it."""

    host_bytes: int
    gpu_bytes: int | None = None
    torch_bytes: int = 0
    """What torch holds of the GPU."""
    held: Counter[str] | None = None
    """Objects of models that are alive, by the names of their classes."""


def measured(device: str) -> Memory:
    """This process now, after it has freed what nobody holds."""
    hardware.release(device)
    used = hardware.memory(device)
    is_gpu = hardware.is_cuda(device)
    torch_bytes = used["allocated_bytes"] if is_gpu and "torch" in sys.modules else 0
    return Memory(used["rss_bytes"], _on_gpu() if is_gpu else None, torch_bytes, _held())


def _on_gpu() -> int | None:
    uuid = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    found = next((gpu for gpu in nvml.survey().gpus if gpu.uuid == uuid), None)
    return next((user.used_bytes for user in found.users if user.pid == os.getpid()), None) if found else None


def _held() -> Counter[str]:
    found = [getattr(sys.modules.get(module), name, None) for module, name in MODEL_CLASSES]
    classes = tuple(one for one in found if isinstance(one, type))
    if not classes:
        return Counter()
    return Counter(type(one).__qualname__ for one in gc.get_objects() if issubclass(type(one), classes))
