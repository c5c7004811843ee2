"""Reads the backgrounds of a face one by one: from pictures, or from a film. Keeps none of them.

A damaged file is one line. cv2 is imported when the first picture is read, PyAV when the first frame of a film is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tasks.errors import ModelError
from workers.adapters.lipsync.frames.files import FrameFiles
from workers.adapters.lipsync.frames.film import FilmSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Source(Protocol):
    """The backgrounds of a face, numbered from 0."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @property
    def threads(self) -> int:
        """How many threads may call `read` at the same time, at most."""

    def read(self, number: int) -> NDArray[np.uint8]:
        """A background, BGR `[height, width, 3]`, which the caller owns; raises `ModelError` that names the file."""

    def close(self) -> None:
        """Let go of what it has opened; `read` opens it again."""


def source_of(frames: FrameFiles) -> Source:
    """What reads these frames; a film is not opened yet."""
    return Pictures(frames.files, frames.size) if frames.size else FilmSource(frames.place)


class Pictures:
    """PNG or JPEG files of one size, in order."""

    threads = 64

    def __init__(self, files: Sequence[Path], size: tuple[int, int]) -> None:
        self._files = files
        self.size = size

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._files)

    def read(self, number: int) -> NDArray[np.uint8]:
        """See `Source`."""
        import cv2

        path = self._files[number]
        picture: NDArray[np.uint8] | None = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise ModelError(f"{path}: {_why(path)}")
        height, width = picture.shape[:2]
        if (width, height) != self.size:
            wanted = f"{self.size[0]}×{self.size[1]}"
            raise ModelError(f"{path}: has {width}×{height} pixels, but the face was loaded with {wanted}")
        return picture

    def close(self) -> None:
        """Nothing is open."""


def _why(path: Path) -> str:
    try:
        with path.open("rb"):
            return "is damaged: it cannot be decoded"
    except OSError as exc:
        return f"cannot be read: {exc.strerror}"
