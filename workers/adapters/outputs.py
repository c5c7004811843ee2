"""The outputs of models, one class per craft, which the craft turns into artifacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sound:
    """Speech: `samples` float32 mono `[n]` in −1..1 at `sample_rate` Hz."""

    samples: NDArray[np.float32]
    sample_rate: int


@dataclass(frozen=True)
class Written:
    """A text of a model. The model read `tokens_read` tokens of the input; `is_cut` if that was not all of it."""

    text: str
    tokens_read: int
    is_cut: bool = False
