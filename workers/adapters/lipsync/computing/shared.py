"""What all faces of a slot share: the audio encoder, the arrays of a batch, and how many frames fit at once.

Each loaded face holds it; when the last one is unloaded, it goes. Only the thread that computes uses it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

from workers.adapters.lipsync.computing.arrays import BatchArrays
from workers.adapters.lipsync.computing.encoder import AudioEncoder
from workers.adapters.lipsync.computing.network import Shape

logger = logging.getLogger(__name__)


class Shared:
    """`frames` is the most that are computed at once."""

    def __init__(self, encoder: AudioEncoder, frames: int) -> None:
        self.encoder = encoder
        self.frames = frames
        self._arrays: dict[tuple[int, str], BatchArrays] = {}

    def arrays(self, shape: Shape) -> BatchArrays:
        """The arrays for such a network, for as many frames as it is ever given at once."""
        key = shape.side, shape.dtype
        found = self._arrays.get(key)
        needed = shape.at_once or self.frames
        if found is None or len(found.pictures) < needed:
            found = self._arrays[key] = BatchArrays(needed, shape.side, shape.dtype)
        return found

    def halve(self, failed: int, device: str) -> None:
        """Memory ran out for so many frames at once: from now on take half of them."""
        self.frames = max(1, failed // 2)
        logger.warning(
            "memory ran out for %d frames at once: no more than %d from now on, on %s", failed, self.frames, device
        )


_held: WeakValueDictionary[tuple[object, ...], Shared] = WeakValueDictionary()


def shared(path: Path, device: str, frames: int, load: Callable[[], AudioEncoder]) -> Shared:
    """What the slot's faces with this audio encoder share; `load` loads the encoder if no face has loaded it yet."""
    found = path.stat()
    key = str(path), found.st_ino, found.st_size, found.st_mtime_ns, device, frames
    one = _held.get(key)
    if one is None:
        one = _held[key] = Shared(load(), frames)
    return one
