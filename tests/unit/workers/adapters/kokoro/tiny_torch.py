"""Builds a Kokoro model folder of 1 MB for the engine `torch`, which kokoro's real KModel loads and runs.

The decoder of kokoro 0.9.4 has fixed widths, so the model is large where it runs; in the file, each of its large
tensors is one row that is repeated. Not trained: it gives noise, whose length follows the symbols exactly.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tests.unit.workers.adapters.kokoro import tiny_onnx
from tests.unit.workers.adapters.kokoro.tiny_onnx import FRAMES, VOICES, write_config, write_voice

SIZES: dict[str, Any] = {
    "istftnet": {
        "upsample_kernel_sizes": [20, 12],
        "upsample_rates": [10, 6],
        "gen_istft_hop_size": 5,
        "gen_istft_n_fft": 20,
        "resblock_dilation_sizes": [[1, 1, 1]],
        "resblock_kernel_sizes": [1],
        "upsample_initial_channel": 512,
    },
    "dim_in": 64,
    "dropout": 0.2,
    "hidden_dim": 512,
    "max_dur": 50,
    "n_layer": 1,
    "n_mels": 80,
    "n_token": 178,
    "style_dim": 128,
    "text_encoder_kernel_size": 1,
    "plbert": {
        "hidden_size": 16,
        "num_attention_heads": 1,
        "intermediate_size": 16,
        "max_position_embeddings": 512,
        "num_hidden_layers": 1,
    },
}
"""Kokoro's own names; the widths 512 and 128 are fixed in its decoder."""

LARGE = 10_000
"""A tensor of more numbers than this is one row, repeated."""


def build(folder: Path) -> Path:
    """Write `kokoro-v1_0.pth`, `config.json` and the folder of voices to `folder`, and return it."""
    import torch

    voices = folder / "voices"
    voices.mkdir(parents=True, exist_ok=True)
    for name, value in VOICES.items():
        write_voice(voices / f"{name}.bin", value)
    write_config(folder, **SIZES)
    torch.manual_seed(1)
    parts = {name: module.state_dict() for name, module in _model().named_children()}
    # Each symbol's frames are the sum of `max_dur` sigmoids.
    share = FRAMES / SIZES["max_dur"]
    durations = parts["predictor"]
    durations["duration_proj.linear_layer.weight"].zero_()
    durations["duration_proj.linear_layer.bias"].fill_(math.log(share / (1 - share)))
    # Quiet: the magnitudes of the sound's spectrum are near this exponent, whatever the other tensors give.
    decoder = parts["decoder"]
    decoder["generator.conv_post.weight_g"].mul_(0.05)
    decoder["generator.conv_post.bias"].fill_(-1.0)
    saved = {
        part: {f"module.{name}": _repeated(tensor) for name, tensor in tensors.items() if not _is_new(name)}
        for part, tensors in parts.items()
    }
    torch.save(saved, folder / "kokoro-v1_0.pth")
    return folder


def _model() -> Any:
    """kokoro's parts as KModel makes them; KModel itself wants a file of weights."""
    import torch

    from workers.adapters.kokoro.torch_engine import model_of

    load, torch.load = torch.load, lambda *_, **__: {}
    try:
        return model_of({**SIZES, "vocab": tiny_onnx.VOCABULARY}, "none")
    finally:
        torch.load = load


def _is_new(name: str) -> bool:
    """As in the published weights, which are older than these."""
    return name.endswith((".norm.weight", ".norm.bias"))


def _repeated(tensor: Any) -> Any:
    if tensor.numel() < LARGE:
        return tensor
    return tensor[:1].clone().expand(tensor.shape)
