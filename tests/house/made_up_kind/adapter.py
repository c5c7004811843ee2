"""No model: a stroke for each part of each side."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.errors import InvalidInput
from tests.house.made_up_kind.messages import ShapeRequest
from workers.adapters.base import Adapter, Offer


class Pen(Adapter[ShapeRequest, str]):
    """Draws."""

    craft = "drawing"
    version = "1"

    def load(self) -> Offer:
        """Nothing is loaded."""
        return Offer(self.entry.revision or "pen")

    def check(self, item: ShapeRequest) -> None:
        """Two corners enclose nothing."""
        if item.corners < 3:
            raise InvalidInput(f"corners: a shape has three or more, not {item.corners}")

    def prepare(self, item: ShapeRequest) -> int:
        """How many strokes it takes: so many for each side."""
        return item.corners * item.size

    def run(self, batch: Sequence[int]) -> Sequence[str | Exception]:
        """So many strokes."""
        return ["/" * strokes for strokes in batch]

    def unload(self) -> None:
        """Nothing is held."""
