"""Lip-sync: a stretch of sound and a face become a stretch of film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.media.film.encode import encode_stretch
from tasks.messages import StretchRequest
from tasks.messages.lipsync import LIPSYNC
from tasks.messages.variants import variant_missing
from tasks.store.names import JSON
from workers.adapters.outputs import Film
from workers.sidecar.crafts.base import SlotCraft

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.sidecar.crafts.base import KnownModel


class LipsyncCraft(SlotCraft[StretchRequest, Film]):
    """`lipsync.stretch`."""

    craft = LIPSYNC
    extension = "mp4"

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
        """A film without sound; its size in pixels, and its frames."""
        stretch = encode_stretch(made.frames, made.encoding)
        return stretch.data, {"width": stretch.width, "height": stretch.height, "frames": stretch.frames}


CRAFT = LipsyncCraft()
