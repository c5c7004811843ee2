"""What passes between the two processes of a slot that shows a face: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PreparedStretch:
    """A stretch of `n` frames, made ready for the networks.

    `faces`: uint8 `[n, 3, side, side]`, the cut faces (B, G, R), not masked yet. `mels`: float32 `[25 * m, 80, 16]`,
    the mel windows of whole seconds from second `second` of the sound on; `keys` are digests of each second's windows.
    `windows` is the number of windows of the whole sound. `start` is the first frame of the stretch in the sound.
    """

    faces: NDArray[np.uint8]
    mels: NDArray[np.float32]
    keys: tuple[bytes, ...]
    second: int
    windows: int
    start: int


@dataclass(frozen=True)
class Mouths:
    """What the network made of a stretch: uint8 `[n, 3, side, side]` (B, G, R), the faces with other mouths."""

    faces: NDArray[np.uint8]
