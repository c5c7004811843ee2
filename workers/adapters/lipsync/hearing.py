"""What the frames of a stretch hear: reads the blocks of its sound, and makes the mel windows of whole seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.media.stretches import samples_of
from tasks.messages import StretchRequest
from tasks.messages.lipsync import FPS
from workers.adapters.lipsync.mel import SoundPart, mel_windows
from workers.adapters.lipsync.windows import rows_for, samples_for, seconds_of, windows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Heard:
    """The mel windows of whole seconds from `second` on, `[25 * seconds, 80, 16]`, and a digest of each second's.

    `windows` is the number of windows of the whole sound.
    """

    mels: NDArray[np.float32]
    keys: tuple[bytes, ...]
    second: int
    windows: int


def hear(item: StretchRequest, read: Callable[[str], bytes]) -> Heard:
    """The windows that the frames of a stretch need; `read` gives the content of an artifact.

    Raises `InvalidInput` for blocks that are no such sound, or do not hold what the stretch needs.
    """
    seconds = seconds_of(item.start, item.frames, item.samples)
    needed = samples_for(rows_for(seconds, item.samples), item.samples)
    mels = mel_windows(_part(item, needed, read), seconds)
    keys = tuple(hashlib.blake2b(mels[at : at + FPS].data, digest_size=16).digest() for at in range(0, len(mels), FPS))
    return Heard(mels, keys, seconds.start, windows_of(item.samples))


def _part(item: StretchRequest, needed: range, read: Callable[[str], bytes]) -> SoundPart:
    """The samples of all blocks, without what nobody needs before and behind `needed`."""
    at, begin, parts = item.sounds_from, None, []
    for name in item.sounds:
        samples = samples_of(name, read(name))
        first, last = max(at, needed.start), min(at + len(samples), needed.stop)
        if first < last:
            begin = first if begin is None else begin
            parts.append(samples[first - at : last - at])
        at += len(samples)
    if begin is None:
        return SoundPart(np.zeros(0, np.int16), item.sounds_from, item.samples)
    return SoundPart(np.concatenate(parts), begin, item.samples)
