"""Where an adapter's code lies, and what its import costs."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.adapters import find

HEAVY = frozenset(
    (
        *("torch", "torchaudio", "torchvision", "tensorflow", "keras", "jax", "paddle", "mxnet", "cupy", "numba"),
        *("onnxruntime", "ctranslate2", "transformers", "diffusers", "vllm", "spacy", "librosa", "cv2", "av"),
        *("pandas", "scipy", "sklearn"),
    )
)
"""Packages that take long to import, or start threads or CUDA: the worker's main process, which forks, must not."""

MOST_CPU_S = 2.0


@dataclass(frozen=True)
class Imported:
    """An adapter's class, the CPU seconds of its import, and the heavy packages that came with it."""

    place: str
    cpu_s: float
    heavy: tuple[str, ...]


def home_of(adapter: type[Any]) -> Path | None:
    """The folder of the adapter's package, or its file if it is a module of its own."""
    file = getattr(sys.modules.get(adapter.__module__), "__file__", None)
    if file is None:
        return None
    path = Path(file)
    return path.parent if "." in adapter.__module__ or path.stem == "__init__" else path


def imported(adapter: str) -> Imported:
    """Import the adapter of that name, in a process that has not done so yet; raises what the import raises."""
    before, began = set(sys.modules), time.process_time()
    found = find(adapter)
    cpu_s = time.process_time() - began
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    return Imported(f"{found.__module__}:{found.__qualname__}", cpu_s, tuple(sorted(new & HEAVY)))
