"""A drawing becomes an artifact."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.store.names import JSON
from tests.house.made_up_kind.messages import DRAWING, ShapeRequest
from workers.sidecar.crafts.base import SlotCraft


class DrawingInSlot(SlotCraft[ShapeRequest, str]):
    """`drawing.shape`."""

    craft = DRAWING
    extension = "drawing"

    def encode(self, made: str) -> tuple[bytes, Mapping[str, JSON]]:
        """Its strokes, and how many there are."""
        return made.encode(), {"strokes": len(made)}


CRAFT = DrawingInSlot()
