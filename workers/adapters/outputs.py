"""The outputs of models, one class per craft, which the craft turns into artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TimedWord:
    """A word and when it is spoken, in seconds from the beginning of the sound."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class TimedPiece:
    """A stretch of text that the model spoke at once, and when; its words, if the model knows their times.

    The pieces of a sound follow each other without a gap: the first begins at 0, the last ends with the sound.
    """

    text: str
    start_s: float
    end_s: float
    words: Sequence[TimedWord] = ()


@dataclass(frozen=True)
class Sound:
    """Speech: `samples` float32 mono `[n]` in −1..1 at `sample_rate` Hz; its pieces, if the adapter tells them."""

    samples: NDArray[np.float32]
    sample_rate: int
    pieces: Sequence[TimedPiece] = ()


@dataclass(frozen=True)
class Written:
    """A text of a model. The model read `tokens_read` tokens of the input; `is_cut` if that was not all of it."""

    text: str
    tokens_read: int
    is_cut: bool = False
