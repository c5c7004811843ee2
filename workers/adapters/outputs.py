"""What models give back, one value a craft; the craft turns it into an artifact. An adapter may bring its own."""

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
    """What a model wrote: `tokens_read` of the input went in; `is_cut` where that was not all of it."""

    text: str
    tokens_read: int
    is_cut: bool = False
