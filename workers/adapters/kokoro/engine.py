"""What both engines of Kokoro have in common: the sound's form, and what an engine gives for a piece's phonemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tasks.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 24_000
"""In Hz."""

FRAME = 600
"""Samples of a frame, 25 ms: the model gives each symbol a whole number of frames, at least one."""

MOST_PHONEMES = 510
"""Of one piece: the model reads 512 symbols, and the first and the last are 0."""

SILENCE = 1e-4
"""A sound whose loudest sample is below this is no speech."""


@dataclass(frozen=True)
class Made:
    """A piece's sound, `samples` float32 `[n]`; the ids that the model read, with 0 at both ends.

    `durations` are the frames of each of these ids; empty if the model does not tell them. `cut` are the samples that
    were taken from the beginning and the end of what these frames were.
    """

    samples: NDArray[np.float32]
    ids: Sequence[int]
    durations: Sequence[int] = ()
    cut: tuple[int, int] = (0, 0)


class Engine(Protocol):
    """A loaded model; used by one thread."""

    @property
    def has_whole_speeds(self) -> bool:
        """Whether it takes only whole numbers for speed, as some exports do."""

    def speak(self, ids: Sequence[int], style: NDArray[np.float32], speed: float) -> Made:
        """The sound of 1 to 510 ids in a style `[256]`; raises what the engine's library raises."""


def checked(made: Made, phonemes: str) -> Made:
    """`made`, if it can be speech; raises `ModelError` if it is no sound, or too short."""
    import numpy as np

    shown = f"for the phonemes {phonemes[:40]!r}"
    if not np.isfinite(made.samples).all():
        raise ModelError(f"text: Kokoro gave samples that are no numbers {shown}")
    if len(made.samples) < FRAME * len(phonemes):
        raise ModelError(f"text: Kokoro gave only {len(made.samples) / SAMPLE_RATE:.2f} s of sound {shown}")
    if np.abs(made.samples).max() < SILENCE:
        raise ModelError(f"text: Kokoro gave no sound {shown}")
    if made.durations and len(made.durations) != len(made.ids):
        raise ModelError(f"text: Kokoro gave {len(made.durations)} durations for {len(made.ids)} symbols {shown}")
    return made
