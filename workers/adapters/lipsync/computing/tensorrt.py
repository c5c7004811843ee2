"""TensorRT for a face's network: computes in float16, after it has built an engine for this GPU, which takes minutes.

Engines are kept in the user's cache folder, in a folder for the network's content: ONNX Runtime tells networks apart
by their structure alone, which all faces have in common. Imports ONNX Runtime inside functions.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from workers.adapters import weights
from workers.adapters.lipsync.computing.arrays import HEARS
from workers.adapters.lipsync.computing.network import Shape
from workers.adapters.onnx_session import Provider, number_of

logger = logging.getLogger(__name__)

TENSORRT = "TensorrtExecutionProvider"


def provider(file: Path, shape: Shape, device: str, frames: int, *, half: bool) -> Provider:
    """ONNX Runtime's provider with its options: an engine for 1 to `frames` frames at once, in float16 if `half`."""
    engines = cache_folder() / weights.digest((file,))
    engines.mkdir(parents=True, exist_ok=True)
    options = {
        "device_id": number_of(device),
        "trt_fp16_enable": str(half),
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(engines),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(cache_folder()),
    }
    if shape.at_once is None:
        sizes = {"trt_profile_min_shapes": 1, "trt_profile_opt_shapes": frames, "trt_profile_max_shapes": frames}
        options |= {key: _shapes(shape, count) for key, count in sizes.items()}
    return TENSORRT, options


def cache_folder() -> Path:
    """Where engines are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "slotline" / "tensorrt"


def is_built_in(place: str) -> bool:
    """Whether this ONNX Runtime has TensorRT's provider; if not, a line in the log says what computes instead."""
    import onnxruntime

    if TENSORRT in onnxruntime.get_available_providers():
        return True
    _say(place, f"onnxruntime {onnxruntime.__version__} was built without it")
    return False


def check(session: Any, place: str) -> None:
    """Say in the log if the session does without TensorRT, because its libraries were not found."""
    if TENSORRT not in session.get_providers():
        _say(place, "its libraries were not found or do not fit (ONNX Runtime's own message is above)")


def _say(place: str, why: str) -> None:
    logger.warning("%s tensorrt: %s; the face is computed by CUDA's provider, in float32 or TF32", place, why)


def _shapes(shape: Shape, frames: int) -> str:
    picture, hears, _ = shape.names
    sound = "x".join(map(str, HEARS))
    return f"{picture}:{frames}x6x{shape.side}x{shape.side},{hears}:{frames}x{sound}"
