"""Lip-sync: a stretch of sound and a face become a stretch of film."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tasks.errors import ModelError
from tasks.media.film.encode import encode_stretch
from tasks.media.film.pictures import encode_pictures
from tasks.media.wav import encode_wav
from tasks.messages import StretchRequest
from tasks.messages.lipsync import FPS, LIPSYNC, SOUND_RATE
from tasks.messages.variants import variant_missing
from tasks.store.names import JSON
from workers.adapters.outputs import Film
from workers.sidecar.crafts.base import SlotCraft
from workers.sidecar.crafts.examples import Examples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tasks.catalog import ModelEntry
    from workers.adapters.base import AnyAdapter, Offer
    from workers.sidecar.crafts.base import KnownModel
    from workers.sidecar.crafts.examples import Fields

GRID = 8
"""A picture is compared by the mean brightness of so many fields, down and across."""


class LipsyncCraft(SlotCraft[StretchRequest, Film]):
    """`lipsync.stretch`."""

    craft = LIPSYNC
    extension = "mp4"
    tolerance = 0.02
    takes_long = True

    def extension_of(self, request: StretchRequest) -> str:
        """An archive of pictures, if they are wanted."""
        return "zip" if request.pictures else self.extension

    def variant(self, entry: ModelEntry, request: StretchRequest) -> str | None:
        """The face, if each face is a model of its own; raises `InvalidInput` if none is named."""
        if not entry.is_registry:
            return None
        face = request.face or entry.voice
        if face is None:
            raise variant_missing("face", entry.name)
        return face

    def ready(self, model: KnownModel, request: StretchRequest) -> StretchRequest:
        """With the model's face if none is named."""
        return request.model_copy(update={"face": request.face or model.entry.voice})

    def encode(self, made: Film) -> tuple[bytes, Mapping[str, JSON]]:
        """A film without sound, or an archive of pictures; its format, first frame, size in pixels, and frames.

        Raises `ModelError` if the pictures are of different sizes, or are none.
        """
        if made.pictures is None:
            stretch = encode_stretch(made.frames, made.encoding)
            return stretch.data, _details("mp4", made.start, stretch.width, stretch.height, stretch.frames)
        seen = _Seen(made.frames)
        data = encode_pictures(seen, made.start, made.pictures)
        return data, _details(made.pictures, made.start, seen.width, seen.height, seen.count)

    def examples(self, adapter: AnyAdapter, offer: Offer) -> Examples:
        """Stretches of short sounds, one as pictures; a sound that is none, and a stretch beyond its sound."""
        good = [_stretch(10), _stretch(4), {**_stretch(2), "pictures": "jpg"}]
        beyond = {**_stretch(4), "start": 1_000}
        return Examples(good, [_stretch(1)], [{**_stretch(4), "sounds": [b"no sound"]}, beyond])

    def seen(self, made: Film) -> JSON:
        """Its frames: how bright they are in an even grid; raises `ModelError` for what are no pictures."""
        if not isinstance(made, Film):
            raise ModelError(f"it is no Film, but {type(made).__name__}")
        pictures = [_brightness(picture) for picture in made.frames]
        if len(pictures) != made.count:
            raise ModelError(f"frames: there are {len(pictures)}, but count is {made.count}")
        return {"pictures": pictures}


def _stretch(frames: int) -> Fields:
    """A film of noise, so many frames long."""
    import numpy as np

    samples = frames * SOUND_RATE // FPS
    noise = np.random.default_rng(frames).integers(-9000, 9000, samples, dtype=np.int16)
    return {"sounds": [encode_wav(noise, SOUND_RATE)], "samples": samples, "frames": frames}


def _brightness(picture: NDArray[np.uint8]) -> list[JSON]:
    import numpy as np

    if getattr(picture, "dtype", None) != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ModelError("frames: each has to be uint8 BGR [height, width, 3]")
    rows = np.array_split(picture.mean(axis=2) / 255.0, GRID)
    return [round(float(field.mean()), 6) for row in rows for field in np.array_split(row, GRID, axis=1)]


class _Seen:
    """Pictures on their way to an archive: counts them, and notes their size."""

    def __init__(self, frames: Iterable[NDArray[np.uint8]]) -> None:
        self._frames = frames
        self.count = self.width = self.height = 0

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for picture in self._frames:
            height, width = picture.shape[:2]
            if self.count and (width, height) != (self.width, self.height):
                raise ModelError(f"the model made pictures of {self.width} × {self.height} and {width} × {height}")
            self.width, self.height, self.count = width, height, self.count + 1
            yield picture


def _details(format: str, start: int, width: int, height: int, frames: int) -> Mapping[str, JSON]:
    return {"format": format, "start": start, "width": width, "height": height, "frames": frames}


CRAFT = LipsyncCraft()
