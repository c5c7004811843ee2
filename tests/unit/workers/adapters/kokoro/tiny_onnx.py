"""Builds a Kokoro model folder of 60 KB for the engine `onnx`: a tone whose length follows the symbols exactly.

The model has the inputs of a real export, which may have other names, an integer speed and durations. It is not
trained and says nothing. Each symbol, also the 0 at both ends, takes `FRAMES / speed` frames, rounded, at least one.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FRAMES = 4
"""Of each symbol at speed 1: 0.1 s."""

VOICES = {"af_heart": 0.02, "am_adam": 0.01, "bf_emma": 0.03, "jf_alpha": 0.04}
"""Voice name -> the number that fills its styles, from which the tone's pitch follows."""

ROWS = 510

SYMBOLS = (
    ';:,.!?—…"()“” ̃ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ'
)
"""Kokoro's own symbols, with other ids."""

VOCABULARY: Mapping[str, int] = {symbol: number for number, symbol in enumerate(SYMBOLS, 1)}


def build(folder: Path, **export: Any) -> Path:
    """Write `model.onnx`, `config.json` and the folder of voices to `folder`, and return it.

    `export` is what `write_model` takes.
    """
    voices = folder / "voices"
    voices.mkdir(parents=True, exist_ok=True)
    write_config(folder)
    for name, value in VOICES.items():
        write_voice(voices / f"{name}.bin", value)
    write_model(folder / "model.onnx", **export)
    return folder


def write_config(folder: Path, **sizes: Any) -> None:
    """Write Kokoro's own configuration: the vocabulary, and the sizes that torch needs."""
    (folder / "config.json").write_text(json.dumps({**sizes, "vocab": VOCABULARY}), encoding="utf-8")


def write_voice(path: Path, value: float, rows: int = ROWS) -> None:
    """Write a voice as bare float32 `[rows, 1, 256]`: row n is `value` and n millionths."""
    path.write_bytes(b"".join(struct.pack("<f", value + row * 1e-6) * 256 for row in range(rows)))


def write_model(
    path: Path,
    *,
    tokens: str = "tokens",
    style: str = "style",
    whole_speed: bool = False,
    tells_durations: bool = False,
    loudness: float = 0.3,
) -> None:
    """Write the model. `tokens` and `style` are the names of these inputs; `loudness` is the tone's peak."""
    from onnx import TensorProto, helper, save

    number = TensorProto.INT32 if whole_speed else TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info(tokens, TensorProto.INT64, [1, "symbols"]),
        helper.make_tensor_value_info(style, TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", number, [1]),
    ]
    outputs = [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["samples"])]
    if tells_durations:
        outputs.append(helper.make_tensor_value_info("duration", TensorProto.INT64, [1, "symbols"]))
    constants = [
        helper.make_tensor("frames", TensorProto.FLOAT, [1], [float(FRAMES)]),
        helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("zero", TensorProto.INT64, [], [0]),
        helper.make_tensor("step", TensorProto.INT64, [], [1]),
        helper.make_tensor("frame", TensorProto.INT64, [], [600]),
        helper.make_tensor("loudness", TensorProto.FLOAT, [1], [loudness]),
    ]
    nodes = _duration_nodes(tokens) + _tone_nodes(style)
    graph = helper.make_graph(nodes, "kokoro", inputs, outputs, constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))


def _duration_nodes(tokens: str) -> list[Any]:
    """`duration`: the frames of each symbol; `samples`: how many samples that is."""
    from onnx import TensorProto, helper

    return [
        helper.make_node("Cast", ["speed"], ["speed_f"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["frames", "speed_f"], ["exact"]),
        helper.make_node("Round", ["exact"], ["rounded"]),
        helper.make_node("Max", ["rounded", "one"], ["at_least_one"]),
        helper.make_node("Cast", ["at_least_one"], ["each"], to=TensorProto.INT64),
        helper.make_node("Shape", [tokens], ["shape"]),
        helper.make_node("Expand", ["each", "shape"], ["duration"]),
        helper.make_node("ReduceSum", ["duration"], ["all_frames"], keepdims=0),
        helper.make_node("Mul", ["all_frames", "frame"], ["samples"]),
    ]


def _tone_nodes(style: str) -> list[Any]:
    """`audio`: a sine whose pitch is the mean of the style."""
    from onnx import TensorProto, helper

    return [
        helper.make_node("ReduceMean", [style], ["pitch"], keepdims=0),
        helper.make_node("Range", ["zero", "samples", "step"], ["numbers"]),
        helper.make_node("Cast", ["numbers"], ["times"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["times", "pitch"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["sine"]),
        helper.make_node("Mul", ["sine", "loudness"], ["audio"]),
    ]
