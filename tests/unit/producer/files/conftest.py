"""A store, and audio in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.media.wav import encode_wav
from tasks.messages import Audio
from tasks.store.artifacts import Store, name_of

RATE = 22_050


def artifact(store: Store, seed: int) -> Audio:
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, RATE).astype(np.float32)
    data = encode_wav(samples, RATE)
    name = name_of("speech", "wav", {"seed": seed})
    store.put_bytes(name, data, {"sample_rate": RATE, "frames": RATE})
    return Audio(artifact=name, sample_rate=RATE, frames=RATE, bytes=len(data))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))
