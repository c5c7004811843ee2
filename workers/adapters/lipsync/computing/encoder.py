"""The audio encoder: mel windows become features, 25 windows at once, a second of the sound.

The encoder is one file for all faces. A second that was encoded is remembered, because three stretches need it. The
last second of a sound is padded to 25 windows, so a window has the same bits in each stretch that needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from cachetools import LRUCache

from tasks.errors import ModelError, ModelLoadError
from tasks.messages.lipsync import FPS
from workers.adapters.lipsync.prepared import PreparedStretch
from workers.adapters.lipsync.windows import AFTER, BEFORE
from workers.adapters.onnx_session import TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEATURES = 512
"""Of a window."""

REMEMBERED_S = 256
"""Seconds whose features are remembered, of 50 KB each."""


class AudioEncoder:
    """A loaded encoder; raises `ModelLoadError` if the session's model is none. `path` is its file, for the error."""

    def __init__(self, session: Any, path: Path, place: str) -> None:
        self._session = session
        self._at_once, self._dtype = _checked(session, path, place)
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name
        self._seconds: LRUCache[bytes, NDArray[np.float32]] = LRUCache(REMEMBERED_S)

    def features(self, stretch: PreparedStretch) -> NDArray[np.float32]:
        """What the frames of a stretch hear: `[frames + 15, 512]`; those of frame i are rows i to i + 15.

        The first and the last window of a sound stand there twice, and zeros before and behind them.
        """
        seconds = [self._second(key, at, stretch.mels) for at, key in enumerate(stretch.keys)]
        known = np.concatenate(seconds)
        places = np.arange(stretch.start - BEFORE, stretch.start + len(stretch.faces) + AFTER)
        rows = known[np.clip(places - 1, 0, stretch.windows - 1) - stretch.second * FPS]
        rows[(places < 0) | (places > stretch.windows + 1)] = 0.0
        return rows

    def _second(self, key: bytes, at: int, mels: NDArray[np.float32]) -> NDArray[np.float32]:
        found = self._seconds.get(key)
        if found is None:
            found = self._encoded(mels[at * FPS : (at + 1) * FPS])
            self._seconds[key] = found
        return found

    def _encoded(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        given = windows[:, None].astype(self._dtype, copy=False)
        step = self._at_once or len(given)
        made = [self._run(given[first : first + step], step) for first in range(0, len(given), step)]
        found = np.concatenate(made).astype(np.float32, copy=False)
        if not np.isfinite(found).all():
            raise ModelError("the audio encoder made values that are no numbers")
        return found

    def _run(self, given: NDArray[Any], step: int) -> NDArray[Any]:
        if len(given) == step:
            (found,) = self._session.run([self._output], {self._input: given})
            return np.asarray(found).reshape(step, FEATURES)
        filled = np.zeros((step, *given.shape[1:]), given.dtype)
        filled[: len(given)] = given
        return self._run(filled, step)[: len(given)]


def _checked(session: Any, path: Path, place: str) -> tuple[int | None, str]:
    """How many windows it computes at once (None: any number), and its type."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape = list(inputs[0].shape)
    fault = ""
    if len(inputs) != 1 or len(shape) != 4 or shape[1:] != [1, 80, 16]:
        fault = f"takes {', '.join(str(one.shape) for one in inputs)}, and not [windows, 1, 80, 16]"
    elif inputs[0].type not in TYPES:
        fault = f"takes {inputs[0].type}"
    elif not outputs[0].shape or outputs[0].shape[1:2] != [FEATURES]:
        fault = f"gives {outputs[0].shape}, and not [windows, {FEATURES}]"
    if fault:
        raise ModelLoadError(f"{place} audio_encoder: {path} is no audio encoder of these faces: it {fault}")
    return (shape[0] if isinstance(shape[0], int) else None), TYPES[inputs[0].type]
