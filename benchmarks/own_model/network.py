"""Magika's network, which tells what kind of file a text is, as the servers beside slotline compute with it.

The weights, and what the numbers mean, are in the wheel of `magika`. It gives the answers of `examples/own-model`, and
its code is that of the example, as far as it is not slotline's. One thread computes. It knows no server.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

FILES = ("config/content_types_kb.min.json", "models/standard_v3_3/config.min.json", "models/standard_v3_3/model.onnx")
BLOCK, HALF, LEAST, PADDING = 4096, 1024, 8, 256


class Network:
    """The network, loaded."""

    def __init__(self) -> None:
        (folder,) = find_spec("magika").submodule_search_locations  # type: ignore[union-attr, misc]
        files = [Path(folder, name) for name in FILES]
        self.kinds, self.config = (json.loads(file.read_bytes()) for file in files[:2])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(files[2], options, ["CPUExecutionProvider"])

    def answers(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What kind of file each is, and how sure the network is."""
        given = [self.prepared(text.encode()) for text in texts]
        rows = [one for one in given if isinstance(one, np.ndarray)]
        scores = iter(self.session.run(None, {"bytes": np.stack(rows)})[0] if rows else ())
        return [self.answer(next(scores)) if isinstance(one, np.ndarray) else one for one in given]

    def prepared(self, data: bytes) -> Any:
        """What the network reads, or the answer for so little that it is not asked."""
        begin, end = data[:BLOCK].lstrip()[:HALF], data[-BLOCK:].rstrip()[-HALF:]
        if len(begin) >= LEAST:
            return np.array([*begin, *[PADDING] * (2 * HALF - len(begin) - len(end)), *end], np.int32)
        is_text = data[:BLOCK].decode(errors="ignore").encode() == data[:BLOCK]
        return {"label": ("txt" if is_text else "unknown") if data else "empty", "score": 1.0}

    def answer(self, scores: Any) -> dict[str, Any]:
        """The label and the score of one row."""
        name, score = self.config["target_labels_space"][scores.argmax()], float(scores.max())
        label = self.config["overwrite_map"].get(name, name)
        if score < self.config["thresholds"].get(name, self.config["medium_confidence_threshold"]):
            label = "txt" if self.kinds[label]["is_text"] else "unknown"
        return {"label": label, "score": score}
