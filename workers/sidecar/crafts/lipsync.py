"""Lip-sync: a stretch of sound and a face become a stretch of film."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tasks.errors import ModelError
from tasks.media.film.encode import encode_stretch
from tasks.media.film.pictures import encode_pictures
from tasks.messages import StretchRequest
from tasks.messages.lipsync import LIPSYNC
from tasks.messages.variants import variant_missing
from tasks.store.names import JSON
from workers.adapters.outputs import Film
from workers.sidecar.crafts.base import SlotCraft

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tasks.catalog import ModelEntry
    from workers.sidecar.crafts.base import KnownModel


class LipsyncCraft(SlotCraft[StretchRequest, Film]):
    """`lipsync.stretch`."""

    craft = LIPSYNC
    extension = "mp4"
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
