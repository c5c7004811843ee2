"""A Kokoro of the real size with random weights: its speed and memory do not depend on what it has learnt.

They depend on how long it speaks, so each phoneme is made to take about as long as a real one. Written to a folder as
`slotline model pull kokoro-torch` makes it, by `kokoro`'s own classes, or exported from there to ONNX; nothing is
downloaded. Its phonemes are letters (`benchmarks/kokoro_letters.py`). Needs torch and kokoro, which are imported inside
the functions.
"""

from __future__ import annotations

import json
import math
import shutil
import string
import sys
import warnings
from pathlib import Path
from typing import Any

from workers.adapters.kokoro.torch_engine import model_of

FRAMES_A_PHONEME = 2.0
"""Of 25 ms each. A real voice takes 2.4 of them."""
REPOSITORY = "hexgrad/Kokoro-82M"
WEIGHTS = "kokoro-v1_0.pth"
STYLES = 510
VOICE = "af_random"

REAL: dict[str, Any] = {
    "istftnet": {
        "upsample_kernel_sizes": [20, 12],
        "upsample_rates": [10, 6],
        "gen_istft_hop_size": 5,
        "gen_istft_n_fft": 20,
        "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        "resblock_kernel_sizes": [3, 7, 11],
        "upsample_initial_channel": 512,
    },
    "dim_in": 64,
    "dropout": 0.2,
    "hidden_dim": 512,
    "max_conv_dim": 512,
    "max_dur": 50,
    "multispeaker": True,
    "n_layer": 3,
    "n_mels": 80,
    "n_token": 178,
    "style_dim": 128,
    "text_encoder_kernel_size": 5,
    "plbert": {
        "hidden_size": 768,
        "num_attention_heads": 12,
        "intermediate_size": 2048,
        "max_position_embeddings": 512,
        "num_hidden_layers": 12,
        "dropout": 0.1,
    },
}
"""The sizes of hexgrad/Kokoro-82M, from its config.json."""
TINY: dict[str, Any] = REAL | {
    "n_layer": 1,
    "istftnet": REAL["istftnet"] | {"resblock_dilation_sizes": [[1, 1, 1]], "resblock_kernel_sizes": [1]},
    "plbert": REAL["plbert"]
    | {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "num_hidden_layers": 1},
}
"""For a dry run. Widths of the decoder are fixed in `kokoro`'s code, so the model stays large."""
SYMBOLS = ";:,.!?—… " + string.ascii_lowercase


def write(folder: Path, sizes: dict[str, Any] = REAL) -> Path:
    """Write weights, config and one voice to `folder`, and return it."""
    import torch

    (folder / "voices").mkdir(parents=True)
    config = sizes | {"vocab": {symbol: number for number, symbol in enumerate(SYMBOLS, 1)}}
    (folder / "config.json").write_text(json.dumps(config))
    weights = folder / WEIGHTS
    torch.save({}, weights)  # a model without weights keeps the random ones that it was made with
    torch.manual_seed(7)
    model = model_of(config, str(weights))
    wanted = FRAMES_A_PHONEME / sizes["max_dur"]
    layer = model.predictor.duration_proj.linear_layer
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.fill_(math.log(wanted / (1 - wanted)))
    torch.save({name: part.state_dict() for name, part in model.named_children()}, weights)
    (torch.randn(STYLES, 1, 256) * 0.1).numpy().tofile(folder / "voices" / f"{VOICE}.bin")
    return folder


def export(folder: Path, to: Path) -> Path:
    """Write the model of `folder` to `to` for ONNX Runtime, in fp32 and with durations, and return it."""
    import torch

    to.mkdir()
    config, weights = folder / "config.json", folder / WEIGHTS
    kind = type(model_of(str(config), str(weights)))
    (example := torch.arange(30)[None] % len(SYMBOLS))[0, -1] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is constant in the export, and of old names in torch
        model = kind(REPOSITORY, str(config), str(weights), disable_complex=True)
        exported = sys.modules[kind.__module__].KModelForONNX(model).eval()
        torch.onnx.export(
            exported,
            (example, torch.zeros(1, 256), torch.ones(1)),
            str(to / "model.onnx"),
            input_names=["input_ids", "style", "speed"],
            output_names=["waveform", "duration"],
            dynamic_axes={"input_ids": {1: "symbols"}, "waveform": {0: "samples"}, "duration": {0: "symbols"}},
            opset_version=20,
            dynamo=False,
        )
    shutil.copy(config, to)
    shutil.copytree(folder / "voices", to / "voices")
    return to
