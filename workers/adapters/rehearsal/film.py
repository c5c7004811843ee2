"""The rehearsal's pictures: each tells its face, its frame, its background and how loud the sound is then.

So a test can say of any film which frame it shows, also after it was encoded. A picture is a square of 8 × 8 fields,
each black or white: a bit. Rows 1 and 2 are the mark of the face, 3 to 5 the number of the frame in the sound, 6 and
7 the number of the background, 8 the loudness; the highest bit is first. numpy is imported inside functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput
from tasks.media.stretches import samples_of
from tasks.messages.lipsync import FPS, SOUND_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tasks.messages import StretchRequest

FIELDS = 8
"""On each side of a picture."""
FRAME_SAMPLES = SOUND_RATE // FPS
FULL_SCALE = 32_768

_BITS = (16, 24, 16, 8)
"""Of the face's mark, the frame, the background, the loudness."""


@dataclass(frozen=True)
class Picture:
    """What a picture tells. `loudness` is 0 to 255: the root mean square of its 40 ms of sound, 256 being full scale.

    Frames count from 0 in the whole sound; backgrounds in the order in which they are shown, modulo 65,536.
    """

    face: int
    frame: int
    background: int
    loudness: int


@dataclass(frozen=True)
class ToShow:
    """A stretch that is made ready: a face's name, the first frame and background, and the loudness of each frame."""

    face: str
    start: int
    background: int
    loudness: tuple[int, ...]

    @property
    def text(self) -> str:
        """Its name in the journal; it has the face's name in it, where fault words may stand."""
        return f"{self.face} {self.start}"

    def pictures(self) -> Iterator[Picture]:
        """What its pictures tell, in order."""
        mark = mark_of(self.face)
        for number, loudness in enumerate(self.loudness):
            yield Picture(mark, self.start + number, (self.background + number) % 2**16, loudness)


def mark_of(face: str) -> int:
    """The mark of a face: 16 bits of its name's digest."""
    return int.from_bytes(hashlib.sha256(face.encode()).digest()[:2], "big")


def to_show(item: StretchRequest, read: Callable[[str], bytes]) -> ToShow:
    """Read the stretch's blocks by `read`, and hear how loud each frame is.

    Raises `InvalidInput` for a block that is no WAV of 16,000 Hz, mono, or blocks in which sound of a frame is missing.
    """
    import numpy as np

    sound = np.concatenate([samples_of(name, read(name)) for name in item.sounds])
    begin, end = item.start * FRAME_SAMPLES, (item.start + item.frames) * FRAME_SAMPLES
    if item.sounds_from > begin or item.sounds_from + len(sound) < min(end, item.samples):
        has = f"they have samples {item.sounds_from} to {item.sounds_from + len(sound)}"
        raise InvalidInput(f"sounds: samples {begin} to {min(end, item.samples)} are not all in them; {has}")
    heard = sound[begin - item.sounds_from : end - item.sounds_from].astype(np.float64)
    frames = np.pad(heard, (0, end - begin - len(heard))).reshape(item.frames, FRAME_SAMPLES)
    loudness = np.sqrt((frames**2).mean(axis=1)) * (256 / FULL_SCALE)
    return ToShow(item.face or "", item.start, item.first_background, tuple(map(int, loudness.clip(0, 255))))


def drawn(shown: ToShow, side: int, may_draw: Callable[[], None] = lambda: None) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a stretch, BGR `[side, side, 3]`, each made when it is asked for; `side` is a multiple of 8.

    `may_draw` is called before each, and may raise.
    """
    import numpy as np

    for picture in shown.pictures():
        may_draw()
        parts = (picture.face, picture.frame, picture.background, picture.loudness)
        bits = "".join(f"{value % 2**width:0{width}b}" for value, width in zip(parts, _BITS, strict=True))
        fields = np.array([255 * int(bit) for bit in bits], dtype=np.uint8).reshape(FIELDS, FIELDS)
        scale = side // FIELDS
        yield np.repeat(np.repeat(fields, scale, axis=0), scale, axis=1)[:, :, None].repeat(3, axis=2)


def told(picture: NDArray[np.uint8]) -> Picture:
    """What a picture `[side, side, 3]` tells, also one that was encoded and decoded again."""
    import numpy as np

    scale = picture.shape[0] // FIELDS
    fields = picture.mean(axis=2).reshape(FIELDS, scale, FIELDS, scale).mean(axis=(1, 3))
    bits = "".join(str(int(field > 127)) for field in np.ravel(fields))
    ends = [sum(_BITS[: number + 1]) for number in range(len(_BITS))]
    return Picture(*(int(bits[end - width : end], 2) for end, width in zip(ends, _BITS, strict=True)))


def total_frames(batch: Sequence[object]) -> int:
    """How many frames the stretches of a batch have; other inputs have none."""
    return sum(len(item.loudness) for item in batch if isinstance(item, ToShow))
