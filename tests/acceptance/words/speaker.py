"""The real Kokoro as a worker uses it, in one process: made ready by one instance, computed by another."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.catalog import ModelEntry
from tests.unit.workers.adapters.asked import to_speak
from workers.adapters import adapter_of
from workers.adapters.outputs import Sound

SILENT = 0.005
"""Frames of 10 ms whose RMS is below this are silence."""
FRAME_S = 0.01


class Speaker:
    """A loaded model. One thread: with more, two of these side by side would wait for each other on two cores."""

    def __init__(self, folder: Path, voice: str = "af_heart", **options: Any) -> None:
        table = {"name": "kokoro", "adapter": "kokoro", "path": str(folder), "voice": voice}
        entry = ModelEntry.model_validate(
            {**table, "options": {"threads": 1, **options}, "place": "models.toml line 1: [models.kokoro]"}
        )
        self._child, self._sidecar = adapter_of(entry, "cpu"), adapter_of(entry, "cpu")

    def load(self) -> None:
        """Load the model, and let the other instance know what it has."""
        self._sidecar.attach(pickle.loads(pickle.dumps(self._child.load())))

    def unload(self) -> None:
        """Free its memory."""
        self._sidecar.unload()
        self._child.unload()

    def say(self, text: str, voice: str | None = None, speed: float = 1.0) -> Sound:
        """The text as sound; raises what refuses it."""
        return self.compute(self.prepare(text, voice, speed))

    def prepare(self, text: str, voice: str | None = None, speed: float = 1.0) -> Any:
        """What the model is given for a text."""
        item = to_speak(text, voice, speed)
        self._sidecar.check(item)
        return self._sidecar.prepare(item)

    def compute(self, prepared: Any) -> Sound:
        """The sound of what `prepare` gave."""
        (made,) = self._child.run([pickle.loads(pickle.dumps(prepared))])
        if isinstance(made, Exception):
            raise made
        assert isinstance(made, Sound)
        return made


def duration_s(sound: Sound) -> float:
    """How long a sound is."""
    return len(sound.samples) / sound.sample_rate


def silences_s(samples: NDArray[np.float32], sample_rate: int) -> Sequence[tuple[float, float]]:
    """Where it is silent, as start and end: the first from 0, the last to the end, either maybe empty."""
    size = round(FRAME_S * sample_rate)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) >= SILENT)
    edges = [-1, *loud.tolist(), len(frames)]
    gaps = [(before + 1, after) for before, after in pairwise(edges)]
    inner = [gap for gap in gaps[1:-1] if gap[1] > gap[0]]
    return [(start * FRAME_S, end * FRAME_S) for start, end in (gaps[0], *inner, gaps[-1])]
