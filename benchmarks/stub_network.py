"""A face's network that takes `BENCH_NETWORK_MS` a frame and computes nothing: what a GPU would do meanwhile.

As a module of a slot worker (`--include benchmarks.stub_network`) it replaces what ONNX Runtime does for a network that
takes a picture of six channels: it sleeps, and gives the three channels of the face as they are. Everything else
computes. The audio encoder runs as it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

MS = "BENCH_NETWORK_MS"
PICTURES = 6
"""The channels of the input that holds the pictures."""


def stub(ms: float) -> None:
    """Let every network for pictures take so many milliseconds a frame, from the next load on."""
    import onnxruntime

    real = onnxruntime.InferenceSession.run

    def run(self: Any, names: Any, feed: dict[str, Any], options: Any = None) -> Any:
        pictures = next((one for one in feed.values() if one.ndim == 4 and one.shape[1] == PICTURES), None)
        if pictures is None:
            return real(self, names, feed, options)
        time.sleep(ms / 1000 * len(pictures))
        return [pictures[:, : PICTURES // 2]]

    onnxruntime.InferenceSession.run = run


def _before(load: Callable[[Any], Any], ms: float) -> Callable[[Any], Any]:
    def loaded(self: Any) -> Any:
        stub(ms)
        return load(self)

    return loaded


if os.environ.get(MS):
    from workers.adapters import find

    _adapter: Any = find("lipsync")
    _adapter.load = _before(_adapter.load, float(os.environ[MS]))
