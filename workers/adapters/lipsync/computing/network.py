"""The network of a face: cut faces and what they hear become faces with other mouths.

Its two inputs and its output are told by position and shape, because exports name them differently. It gets a session
of ONNX Runtime, and opens none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.errors import ModelLoadError
from workers.adapters.lipsync.computing.arrays import HEARS, BatchArrays
from workers.adapters.onnx_session import TYPES, shrinking

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEATURES_OF_OTHERS = {
    (16, 32, 32): "the features of HuBERT for faces of 160 pixels",
    (32, 32, 32): "the features of HuBERT",
    (256, 16, 32): "the features of WeNet",
}
"""Shapes of sound that other networks of this family take."""

SMALLEST_SIDE = 32


@dataclass(frozen=True)
class Shape:
    """What a network takes: pictures of `side` pixels, `at_once` frames (None: any number), numbers of numpy's type."""

    side: int
    at_once: int | None
    dtype: str
    names: tuple[str, str, str]


class Network:
    """A loaded network; raises `ModelLoadError` if the session's model is none. `path` is its file, for the error."""

    def __init__(self, session: Any, path: Path, place: str, device: str = "cpu") -> None:
        self._session = session
        self._device = device
        self.shape = shape_of(session, path, place)

    def run(self, arrays: BatchArrays, frames: int) -> NDArray[Any]:
        """The output for the first `frames` frames of the arrays, `[frames, 3, side, side]`.

        A network of a fixed number of frames gets that number, and no more frames than it must be asked for.
        """
        found: NDArray[Any] = self._ran(arrays, frames)[:frames]
        return found

    def shrink(self, arrays: BatchArrays) -> None:
        """Free the memory that the network works in. ONNX Runtime does it at the end of a run only, so one is run."""
        self._ran(arrays, 1, shrinking(self._device))

    def _ran(self, arrays: BatchArrays, frames: int, *options: Any) -> NDArray[Any]:
        picture, hears, output = self.shape.names
        count = self.shape.at_once or frames
        given = {picture: arrays.pictures[:count], hears: arrays.hears[:count]}
        (found,) = self._session.run([output], given, *options)
        return np.asarray(found)


def shape_of(session: Any, path: Path, place: str) -> Shape:
    """What the model takes; raises `ModelLoadError` with one line for one that is no network of a face."""
    try:
        return _shape(session)
    except ValueError as exc:
        raise ModelLoadError(f"{place} path: {path} {exc}") from exc


def _shape(session: Any) -> Shape:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 2 or len(outputs) != 1:
        raise ValueError(
            f"is no network of a face: it has {len(inputs)} inputs and {len(outputs)} outputs, not 2 and 1"
        )
    picture, hears = inputs
    sizes, sound, made = list(picture.shape), list(hears.shape), list(outputs[0].shape)
    side = sizes[-1] if len(sizes) == 4 else None
    if not isinstance(side, int) or sizes[1:] != [6, side, side] or side < SMALLEST_SIDE:
        raise ValueError(f"is no network of a face: it takes pictures as {sizes}, and not [frames, 6, side, side]")
    if sound[1:] != list(HEARS):
        raise ValueError(f"takes sound as {_words(sound[1:])}; a face needs {list(HEARS)} (SyncTalk 2D, «ave»)")
    if made[1:] != [3, side, side] and all(isinstance(one, int) for one in made[1:]):
        raise ValueError(f"is no network of a face: it gives {made}, and not [frames, 3, {side}, {side}]")
    types = {picture.type, hears.type}
    if len(types) > 1 or not types <= {"tensor(float)", "tensor(float16)"}:
        raise ValueError(f"takes numbers of types that no face has: {', '.join(sorted(types))}")
    fixed = [one for one in (sizes[0], sound[0]) if isinstance(one, int)]
    return Shape(side, fixed[0] if fixed else None, TYPES[picture.type], (picture.name, hears.name, outputs[0].name))


def _words(shape: Sequence[Any]) -> str:
    known = FEATURES_OF_OTHERS.get(tuple(shape))
    return f"{list(shape)}" + (f", which are {known}" if known else "")
