"""How film is encoded. Values only."""

from __future__ import annotations

from dataclasses import dataclass

PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
)  # fmt: skip
"""The speeds of x264, the fastest first."""


@dataclass(frozen=True)
class Encoding:
    """`encoder` is a name of FFmpeg, or `auto`: the best one that the installed PyAV has.

    `preset` is the encoder's speed and `crf` its quality (0 is best, 51 worst), in the words of x264.
    """

    encoder: str = "auto"
    preset: str = "veryfast"
    crf: int = 20
