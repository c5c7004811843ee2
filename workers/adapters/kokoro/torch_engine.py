"""Kokoro on torch, by `KModel` of the package kokoro 0.9.4, on a CPU or a GPU.

Of that package only the model is imported: its front, which imports spaCy and would download, is not. Nothing is
downloaded. On a GPU the decoder, which takes nearly all the time, computes in float16 where the slot does; lengths are
computed in float32 everywhere, so a text is as long in either precision. The noise in a sound comes from the seed.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelLoadError
from workers.adapters import hardware
from workers.adapters.kokoro.engine import Made

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KERNELS = "64"
"""How many compiled kernels oneDNN keeps. It compiles one for each layer and length of a text, and by default keeps
1,024 of them, which are gigabytes."""

LEFT_OUT = (".norm.weight", ".norm.bias")
"""Tensors that the published weights do not have: kokoro 0.9.4 added them, with values that change nothing."""


class TorchEngine:
    """A loaded model; `weights` and `config` are the files, which were checked before."""

    has_whole_speeds = False

    def __init__(self, weights: Path, config: Path, device: str, threads: int, seed: int, place: str) -> None:
        # Read when torch is imported.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
        import torch

        hardware.check_torch(device, place)
        torch.set_num_threads(threads)
        model = model_of(str(config), str(weights))
        if faults := missing(model, torch.load(weights, map_location="meta", weights_only=True)):
            raise ModelLoadError(
                f"{place} path: {weights} is no Kokoro, or half of one: tensors are missing ({len(faults)}, such as"
                f" {faults[0]})"
            )
        fix_weights(model)
        self._model = model.eval().to(device)
        self._device = device
        self._seed = seed
        if hardware.is_half(device):
            compute_in_half(self._model, "cuda")

    def speak(self, ids: Sequence[int], style: NDArray[np.float32], speed: float) -> Made:
        """The sound of 1 to 510 ids in a style `[256]`, and the frames of each id; raises torch's errors."""
        import torch

        torch.manual_seed(self._seed)
        with torch.inference_mode():
            tokens = torch.tensor([[0, *ids, 0]], device=self._device)
            samples, durations = self._model.forward_with_tokens(
                tokens, torch.tensor(style, device=self._device).unsqueeze(0), speed
            )
            read = tokens[0].tolist()
            return Made(samples.float().cpu().numpy(), read, durations.reshape(-1).tolist())


def model_of(config: Any, weights: str) -> Any:
    """A `KModel`, without the import of its package's front."""
    from loguru import logger

    logger.disable("kokoro")  # as the front does
    with _without_front(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old names in torch, and of a dropout that does nothing
        return importlib.import_module("kokoro.model").KModel("hexgrad/Kokoro-82M", config, weights)


@contextlib.contextmanager
def _without_front() -> Iterator[None]:
    """In this block the package kokoro is its folder only; its own `__init__` is not run."""
    if "kokoro" in sys.modules:
        yield
        return
    spec = importlib.util.find_spec("kokoro")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("No module named 'kokoro'")
    front = types.ModuleType("kokoro")
    front.__path__ = list(spec.submodule_search_locations)
    sys.modules["kokoro"] = front
    try:
        yield
    finally:
        sys.modules.pop("kokoro", None)


def missing(model: Any, saved: Any) -> list[str]:
    """Names of the model's tensors that the file does not have in their size: KModel itself loads what it finds."""
    lacks = []
    for part, module in model.named_children():
        found = {name.removeprefix("module."): tensor.shape for name, tensor in saved.get(part, {}).items()}
        for name, tensor in module.state_dict().items():
            if found.get(name) != tensor.shape and not name.endswith(LEFT_OUT):
                lacks.append(f"{part}.{name}")
    return lacks


def fix_weights(model: Any) -> None:
    """Compute each normed weight once; as loaded, the model computes all of them anew for every piece."""
    from torch.nn.utils import remove_weight_norm

    for module in model.modules():
        if hasattr(module, "weight_g"):
            remove_weight_norm(module)


def compute_in_half(model: Any, kind: str) -> None:
    """Let the decoder compute in float16 where that is sound; `kind` is `cuda`, or `cpu` in tests.

    Its Fourier transforms stay in float32: there is none in float16 for their size.
    """
    import torch

    decoder, transforms = model.decoder, model.decoder.generator.stft
    decode, transform, inverse = decoder.forward, transforms.transform, transforms.inverse

    def in_half(*inputs: Any) -> Any:
        with torch.autocast(kind, dtype=torch.float16):
            return decode(*inputs)

    def in_single(step: Any) -> Any:
        def run(*inputs: Any) -> Any:
            with torch.autocast(kind, enabled=False):
                return step(*(one.float() for one in inputs))

        return run

    decoder.forward = in_half
    transforms.transform, transforms.inverse = in_single(transform), in_single(inverse)
