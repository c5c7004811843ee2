"""A face of the real size with random weights: its speed and memory do not depend on what it has learnt.

The network is a U-Net of separable convolutions with 12.2 million parameters, as the faces of the replaced lip-sync
server have; the shared audio encoder is a stack of convolutions with 2.8 million. Both are written as ONNX graphs, with
a free batch. Nothing is downloaded. onnx is imported inside the functions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE, WINDOW = 320, (32, 16, 16)
CHANNELS = (32, 32, 64, 128, 256, 512)
"""Of the picture, and after each of five halvings, down to 10 × 10, where the sound comes in."""
TINY = (4, 4, 4, 4, 8, 8)
"""For a dry run; the sound has 32 channels anyway."""
OPSET = 17
SEED = 7


@dataclass
class _Graph:
    """Nodes and weights of a network that is being written."""

    nodes: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)
    parameters: int = 0
    _random: Any = None

    def conv(self, x: str, sizes: tuple[int, int, int], stride: Sequence[int] = (1, 1), **how: Any) -> str:
        """A convolution of (inputs, outputs, width of its kernel), and a ReLU unless `relu` is False."""
        import numpy as np

        self._random = self._random or np.random.default_rng(SEED)
        given, made, kernel = sizes
        groups, pad, relu = how.get("groups", 1), how.get("pad", kernel // 2), how.get("relu", True)
        shape = (made, given // groups, kernel, kernel)
        scale = np.sqrt((2 if relu else 1) / (shape[1] * kernel * kernel))
        weight = self._constant((self._random.standard_normal(shape) * scale).astype(np.float32))
        bias = self._constant(np.zeros(made, np.float32))
        self.parameters += made * shape[1] * kernel * kernel + made
        out = self.node(
            "Conv", [x, weight, bias], strides=list(stride), pads=[pad] * 4, group=groups, kernel_shape=[kernel] * 2
        )
        return self.node("Relu", [out]) if relu else out

    def separable(self, x: str, given: int, made: int, stride: int = 1, is_added: bool = False) -> str:
        """Twice as wide, each channel by itself, and narrow again; with `is_added` the input is added."""
        wide = self.conv(x, (given, 2 * given, 1))
        wide = self.conv(wide, (2 * given, 2 * given, 3), (stride, stride), groups=2 * given)
        narrow = self.conv(wide, (2 * given, made, 1), relu=False)
        return self.node("Add", [x, narrow]) if is_added else narrow

    def block(self, x: str, given: int, made: int, stride: int = 1) -> str:
        """Two separable convolutions."""
        return self.separable(self.separable(x, given, made, stride), made, made, is_added=True)

    def doubled(self, x: str) -> str:
        """The picture with sides twice as long."""
        import numpy as np

        scales = self._constant(np.array([1, 1, 2, 2], np.float32))
        return self.node("Resize", [x, "", scales], mode="linear", coordinate_transformation_mode="align_corners")

    def node(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """The name of its output."""
        from onnx import helper

        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def save(self, path: Path, inputs: dict[str, Sequence[int]], outputs: dict[str, Sequence[int]]) -> int:
        """Write it with a free batch; the number of its parameters."""
        import onnx
        from onnx import TensorProto, helper

        given, made = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape]) for name, shape in ends.items()]
            for ends in (inputs, outputs)
        )
        graph = helper.make_graph(self.nodes, path.stem, given, made, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, str(path))
        return self.parameters

    def _constant(self, value: NDArray[np.float32]) -> str:
        from onnx import numpy_helper

        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name


def network(path: Path, channels: Sequence[int] = CHANNELS) -> int:
    """Write a face's network; the number of its parameters."""
    graph, *_, deep = _Graph(), *channels
    x = graph.separable("input", 6, channels[0])
    levels = [x]
    for given, made in itertools.pairwise(channels):
        x = graph.block(x, given, made, stride=2)
        levels.append(x)
    x = graph.node("Concat", [x, _heard(graph, channels)], axis=1)
    x, have = graph.block(graph.block(x, 2 * deep, deep), deep, channels[-2]), channels[-2]
    for beside, more, made in zip(levels[-2::-1], channels[-2::-1], [*channels[-3::-1], channels[0] // 2], strict=True):
        x = graph.node("Concat", [graph.doubled(x), beside], axis=1)
        x, have = graph.block(x, have + more, made), made
    x = graph.conv(x, (have, 3, 1), relu=False)
    graph.node("Sigmoid", [x], "output")
    return graph.save(path, {"input": (6, SIDE, SIDE), "audio": WINDOW}, {"output": (3, SIDE, SIDE)})


def _heard(graph: _Graph, channels: Sequence[int]) -> str:
    """The sound's window as pictures of 10 × 10, as many as the deepest level has."""
    *_, second, third, fourth, deep = channels
    x = graph.separable("audio", WINDOW[0], second)
    x = graph.separable(x, second, third)
    x = graph.conv(x, (third, fourth, 3))
    x = graph.separable(x, fourth, fourth, is_added=True)
    x = graph.conv(x, (fourth, deep, 3), (2, 2), pad=3)
    return graph.separable(graph.separable(x, deep, deep, is_added=True), deep, deep, is_added=True)


def encoder(path: Path, width: int = 32) -> int:
    """Write the audio encoder; the number of its parameters."""
    graph, x, given = _Graph(), "mel_spectrogram", 1
    for made, again, stride in ((1, 2, (1, 1)), (2, 2, (3, 1)), (4, 2, (3, 3)), (8, 1, (3, 2))):
        x = graph.conv(x, (given, made * width, 3), stride)
        given = made * width
        for _ in range(again):
            x = graph.conv(x, (given, given, 3))
    x = graph.conv(graph.conv(x, (given, 512, 3), pad=0), (512, 512, 1))
    graph.node("Flatten", [x], "audio_features")
    return graph.save(path, {"mel_spectrogram": (1, 80, 16)}, {"audio_features": (512,)})
