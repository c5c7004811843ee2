"""Sessions as ONNX Runtime would open them, of models that a function computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 32
FLOAT = "tensor(float)"

Compute = Callable[..., NDArray[Any]]


@dataclass
class Session:
    """`inputs` and `outputs` are names with their shapes; `sizes` and `options` are those of its runs."""

    inputs: Mapping[str, Sequence[Any]]
    outputs: Mapping[str, Sequence[Any]]
    compute: Compute
    kind: str = FLOAT
    sizes: list[int] = field(default_factory=list)
    options: list[Any] = field(default_factory=list)

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name=name, shape=list(shape), type=self.kind) for name, shape in self.inputs.items()]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name=name, shape=list(shape)) for name, shape in self.outputs.items()]

    def run(self, outputs: Sequence[str], given: Mapping[str, NDArray[Any]], *options: Any) -> list[NDArray[Any]]:
        self.options += options
        arrays = [given[name] for name in self.inputs]
        self.sizes.append(len(arrays[0]))
        return [self.compute(*arrays)]


def encoder_session(batch: int | str = "batch") -> Session:
    """The first feature of a window is its sum, all others are 1."""

    def compute(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        made = np.ones((len(windows), 512), np.float32)
        made[:, 0] = windows.reshape(len(windows), -1).sum(axis=1)
        return made

    return Session({"mel_spectrogram": [batch, 1, 80, 16]}, {"audio_features": [batch, 512]}, compute)


def network_session(
    batch: int | str = "batch", compute: Compute | None = None, hears: Sequence[int] = (32, 16, 16)
) -> Session:
    """The face as it is given; or what `compute` makes of pictures and sound."""
    inputs = {"visual_input": [batch, 6, SIDE, SIDE], "audio_input": [batch, *hears]}
    return Session(
        inputs, {"output": [batch, 3, SIDE, SIDE]}, compute or (lambda pictures, hears: pictures[:, :3].copy())
    )
