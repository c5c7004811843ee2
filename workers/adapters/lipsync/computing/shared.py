"""What all faces of a slot share: the audio encoder, memory to compute in, and how many frames fit at once.

A network keeps the memory that it works in, which is many times its weights' (160 MB a frame of a batch was measured).
So when another face is computed, the one before gives it back (on a CPU, most of it).
Each loaded face holds it; when the last one is unloaded, it goes. Only the thread that computes uses it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary, ref

from workers.adapters.lipsync.computing.arrays import BatchArrays
from workers.adapters.lipsync.computing.encoder import AudioEncoder
from workers.adapters.lipsync.computing.network import Network, Shape

logger = logging.getLogger(__name__)


class Shared:
    """`frames` is the most that are computed at once."""

    def __init__(self, encoder: AudioEncoder, frames: int) -> None:
        self.encoder = encoder
        self.frames = frames
        self._arrays: dict[tuple[int, str], BatchArrays] = {}
        self._last: ref[Network] | None = None

    def arrays(self, shape: Shape) -> BatchArrays:
        """The arrays for such a network, for as many frames as it is ever given at once."""
        key = shape.side, shape.dtype
        found = self._arrays.get(key)
        needed = shape.at_once or self.frames
        if found is None or len(found.pictures) < needed:
            found = self._arrays[key] = BatchArrays(needed, shape.side, shape.dtype)
        return found

    def begin(self, network: Network) -> None:
        """This network is computed now; the one before it frees the memory that it works in, unless it is the same."""
        last = self._last() if self._last else None
        if last is not None and last is not network:
            last.shrink(self.arrays(last.shape))
        self._last = ref(network)

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
