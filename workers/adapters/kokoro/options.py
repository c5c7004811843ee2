"""The options of a Kokoro table in `models.toml`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workers.adapters.base import Options


class KokoroOptions(Options):
    """Options in `[models.NAME]`."""

    engine: Literal["onnx", "torch"] = "onnx"
    """What computes: ONNX Runtime with an `.onnx` file, or torch and the package `kokoro` with a `.pth` file."""
    file: str = ""
    """The weights' file, relative to `path`; needed only if the folder has several."""
    voices: str = ""
    """A folder or a file of voices, relative to `path`; by default the folder `voices`, and `voices*.npz` beside it."""
    seed: int = Field(0, ge=0, lt=2**31)
    """Engine torch: the seed of each piece's random numbers. Another seed gives other noise, and the same length."""
    trim: bool = True
    """Whether the silence around each piece is shortened to a natural pause (`silence.py`)."""
    threads: int = Field(0, ge=0, le=256)
    """CPU threads of this slot; 0 divides the cores among the host's slots."""
