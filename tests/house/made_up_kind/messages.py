"""Drawings: what is asked for, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from tasks.messages import Craft, JobRequest, ModelRequest, PartRequest, Result, ResultFile, StoredFile
from tasks.messages.lookup import check_craft

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published


class Drawing(ModelRequest):
    """How shapes are to be drawn: `size` is the length of a side, in strokes."""

    size: int = Field(3, ge=1, le=100)

    def check(self, entry: ModelEntry | None, offer: Published | None) -> None:
        """Refuse a model that does not draw."""
        check_craft(DRAWING, self.model, entry, offer)


class ShapeRequest(PartRequest, Drawing):
    """One shape, by its number of corners."""

    task = "drawing.shape"
    kind = "shape"
    content = frozenset({"corners"})

    corners: int


class AlbumRequest(JobRequest, Drawing):
    """Shapes in their order, each to become one drawing."""

    task = "drawing.album"
    kind = "album"

    shapes: list[int] = Field(min_length=1)


class DrawingCraft(Craft):
    """A number of corners becomes a drawing."""

    name = "drawing"
    request = ShapeRequest
    refusal = "does not draw"


DRAWING = DrawingCraft()


class ShapeResult(Result):
    """One drawing, in so many strokes."""

    kind: Literal["shape"] = "shape"
    artifact: str
    strokes: int
    computed: bool

    def words(self) -> str:
        """How many strokes it took."""
        return f"a drawing of {self.strokes} strokes"

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """The drawing."""
        return [ResultFile(StoredFile(self.artifact, "drawing"))]


class AlbumResult(Result):
    """Drawings in their order; None for one that failed."""

    is_folder: ClassVar[bool] = True

    kind: Literal["album"] = "album"
    title: str
    shapes: list[ShapeResult | None]

    def words(self) -> str:
        """How many drawings there are."""
        return f"{len(self.shapes)} drawings"

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile | None]:
        """A file for each drawing."""
        return [
            ResultFile(StoredFile(one.artifact, "drawing"), f"{one.strokes}") if one else None for one in self.shapes
        ]
