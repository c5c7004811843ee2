"""Makes the blocks of a sound that stretches of film need, as artifacts: mono, 16,000 Hz, 20 s each.

A block is named by its content, so the same sound gives the same names, and a block that exists is not written again.
Memory does not grow with the length of the sound; each block is one small file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.media.film.sound import sound_blocks
from tasks.media.stretches import BLOCK_S, blocks_around
from tasks.media.wav import encode_wav
from tasks.messages.lipsync import SOUND_RATE
from tasks.store.artifacts import Store
from tasks.store.names import name_of_bytes

BLOCK_KIND = "sound16k"
"""The first folder of the names of blocks."""


@dataclass(frozen=True)
class Blocks:
    """The names of a sound's blocks, in order, and how many samples they have together."""

    names: Sequence[str]
    samples: int

    def around(self, start: int, frames: int) -> tuple[list[str], int]:
        """The blocks that a stretch of film needs, and at which sample of the sound the first of them begins."""
        numbers = blocks_around(start, frames, self.samples)
        return list(self.names[numbers.start : numbers.stop]), numbers.start * BLOCK_S * SOUND_RATE


def store_blocks(store: Store, sound: Path, name: str) -> Blocks:
    """Decode a file and store its blocks; `name` is how errors call the sound.

    Raises `InvalidInput` for what is no sound, is empty, damaged or too long, `MissingExtra` without PyAV.
    """
    names, samples = [], 0
    for block in sound_blocks(sound, SOUND_RATE, BLOCK_S, name):
        data = encode_wav(block, SOUND_RATE)
        names.append(name_of_bytes(BLOCK_KIND, "wav", data))
        samples += len(block)
        if store.find(names[-1]) is None:
            store.put_bytes(names[-1], data, {"sample_rate": SOUND_RATE, "frames": len(block)})
    return Blocks(names, samples)
