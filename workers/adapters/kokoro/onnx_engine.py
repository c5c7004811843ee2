"""Kokoro on plain ONNX Runtime, on a CPU or a GPU.

Exports of Kokoro differ, so the inputs are read from the model: their names (`tokens` or `input_ids`, `style` or
`ref_s`), numbers of dimensions and types, an integer speed too; and whether it tells durations. A GPU slot whose ONNX
Runtime does not take the GPU is refused. Imports ONNX Runtime inside functions, and torch nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelLoadError
from workers.adapters import hardware
from workers.adapters.kokoro.engine import Made

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"

NAMES = {"tokens": ("tokens", "input_ids"), "style": ("style", "ref_s"), "speed": ("speed",)}
"""What an input is for -> the names that exports give it."""

SPINS = "session.intra_op.allow_spinning"

DURATIONS = ("duration", "durations", "pred_dur")

TYPES = {
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
}
"""ONNX Runtime's name of a type -> numpy's."""


def providers(device: str) -> list[tuple[str, Mapping[str, str]]]:
    """ONNX Runtime's providers for the device (`cpu`, `cuda:0`), with their options.

    HEURISTIC: the default search for the fastest convolution begins again at each new length of a text, which costs
    more than it saves. kSameAsRequested: the memory grows by what is needed, and not to the next power of two.
    """
    cpu = (CPU, {"arena_extend_strategy": "kSameAsRequested"})
    if not hardware.is_cuda(device):
        return [cpu]
    number = device.partition(":")[2] or "0"
    cuda = {
        "device_id": number,
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
    }
    return [(CUDA, cuda), cpu]


@dataclass(frozen=True)
class Input:
    """An input of a model: its name, its number of dimensions and its numpy type."""

    name: str
    dimensions: int
    dtype: str

    def of(self, values: Any) -> Any:
        """`values` as this input takes them: with as many dimensions, the outer ones of length 1."""
        import numpy as np

        array = np.asarray(values, dtype=self.dtype).squeeze()
        return array.reshape((1,) * (self.dimensions - array.ndim) + array.shape)


def inputs_of(session: Any) -> dict[str, Input]:
    """What an input is for -> that input of the model; raises `ValueError` for a model with others."""
    found = {}
    for given in session.get_inputs():
        role = next((role for role, names in NAMES.items() if given.name in names), None)
        if role is None or given.type not in TYPES:
            raise ValueError(f"it has an input {given.name} ({given.type}), which no Kokoro has")
        found[role] = Input(given.name, len(given.shape), TYPES[given.type])
    if missing := [role for role in NAMES if role not in found]:
        raise ValueError(f"it has no input {' and no input '.join(missing)}")
    return found


class OnnxEngine:
    """A loaded model; `path` is the file, which was checked before."""

    def __init__(self, path: Path, device: str, threads: int, place: str) -> None:
        self._session = _session(path, device, threads, place)
        try:
            self._inputs = inputs_of(self._session)
        except ValueError as exc:
            raise ModelLoadError(f"{place} path: {path} is no Kokoro: {exc}") from exc
        outputs = [output.name for output in self._session.get_outputs()]
        self._durations = next((name for name in outputs if name in DURATIONS), None)
        self._sound = next(name for name in outputs if name != self._durations)

    @property
    def has_whole_speeds(self) -> bool:
        """Whether it takes only whole numbers for speed, as some exports do."""
        return self._inputs["speed"].dtype.startswith("int")

    def speak(self, ids: Sequence[int], style: NDArray[np.float32], speed: float) -> Made:
        """The sound of 1 to 510 ids in a style `[256]`; raises ONNX Runtime's errors."""
        import numpy as np

        tokens = self._inputs["tokens"].of([0, *ids, 0])
        given = {"tokens": tokens, "style": style, "speed": speed}
        fed = {one.name: one.of(given[role]) for role, one in self._inputs.items()}
        wanted = [self._sound, self._durations] if self._durations else [self._sound]
        samples, *durations = self._session.run(wanted, fed)
        spoken = fed[self._inputs["tokens"].name].reshape(-1).tolist()
        frames = durations[0].reshape(-1).astype(np.int64).tolist() if durations else ()
        return Made(np.asarray(samples, dtype=np.float32).reshape(-1), spoken, frames)


def _session(path: Path, device: str, threads: int, place: str) -> Any:
    import onnxruntime

    if hardware.is_cuda(device):
        _need_gpu_build(onnxruntime, device, place)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads would keep their cores busy, which the other slots and the process beside this one need.
    options.add_session_config_entry(SPINS, "0")
    # A plan of the memory is kept for each length of a text, and the next text has another length.
    options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(str(path), options, providers=providers(device))
    session.disable_fallback()
    if hardware.is_cuda(device) and CUDA not in session.get_providers():
        raise ModelLoadError(
            f"{place} the slot's device is {device}, but ONNX Runtime {onnxruntime.__version__} could not use it (its"
            " CUDA or cuDNN does not fit; its own message is above); set MODEL_DEVICE=cpu, or install what it needs"
        )
    return session


def _need_gpu_build(onnxruntime: Any, device: str, place: str) -> None:
    """Raise `ModelLoadError` for a CPU build; find CUDA's libraries where pip has put them."""
    if CUDA not in onnxruntime.get_available_providers():
        raise ModelLoadError(
            f"{place} the slot's device is {device}, but onnxruntime {onnxruntime.__version__} is a CPU build; set"
            " MODEL_DEVICE=cpu, or run: pip uninstall -y onnxruntime && pip install 'slotline[onnx-gpu]'"
        )
    if hasattr(onnxruntime, "preload_dlls"):  # since 1.21
        onnxruntime.preload_dlls()
