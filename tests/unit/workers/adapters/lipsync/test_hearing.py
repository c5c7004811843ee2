"""What a stretch hears is read from the blocks that it names, and only what it needs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.errors import InvalidInput
from tasks.media.wav import encode_wav
from tasks.messages import StretchRequest
from tasks.messages.lipsync import SOUND_RATE
from workers.adapters.lipsync.hearing import Heard, hear

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = 6 * SOUND_RATE + 100
SOUND: NDArray[np.int16] = np.random.default_rng(1).integers(-9000, 9000, SAMPLES, dtype=np.int16)


def stretch(
    start: int, frames: int, block_s: int = 2, first: int = 0, last: int = 4
) -> tuple[StretchRequest, dict[str, bytes]]:
    """A stretch with blocks `first` to `last` of its sound."""
    step = block_s * SOUND_RATE
    blocks = {f"block{at}": encode_wav(SOUND[at * step : (at + 1) * step], SOUND_RATE) for at in range(first, last)}
    sounds = {"sounds": list(blocks), "sounds_from": first * step, "samples": SAMPLES}
    return StretchRequest.parse({"model": "faces", **sounds, "start": start, "frames": frames}), blocks


def heard(start: int, frames: int, **blocks: int) -> Heard:
    item, content = stretch(start, frames, **blocks)
    return hear(item, content.__getitem__)


def test_a_second_has_the_same_windows_and_digest_however_the_sound_is_cut() -> None:
    whole = heard(0, 151, block_s=7, last=1)
    assert (whole.second, whole.windows, len(whole.keys)) == (0, 147, 6)
    for start, first in ((75, 0), (100, 1)):
        part = heard(start, 25, first=first, last=4)
        assert part.windows == 147
        assert part.keys == whole.keys[part.second : part.second + len(part.keys)]
        assert part.mels.tobytes() == whole.mels[25 * part.second :][: len(part.mels)].tobytes()
    assert len(set(whole.keys)) == 6


def test_blocks_that_lack_what_the_stretch_needs_are_refused() -> None:
    with pytest.raises(InvalidInput, match="^sounds: they hold samples 32000 to 50600 .* needs 15599 to"):
        heard(50, 1, first=1, last=2)
    with pytest.raises(InvalidInput, match="^sounds: they hold samples 96000 to"):
        heard(50, 1, first=3, last=4)


@pytest.mark.parametrize("content", [b"no sound", encode_wav(SOUND, 8_000), b""])
def test_a_block_that_is_no_such_sound_is_refused_by_its_name(content: bytes) -> None:
    item, _ = stretch(0, 5)
    with pytest.raises(InvalidInput, match=r"^sounds: block0 is no WAV of 16000 Hz, mono, 16 bits$"):
        hear(item, lambda name: content)
