"""Reads the backgrounds of a face one by one: from pictures, or from a film. Keeps none of them.

A damaged file is one line. cv2 is imported when the first picture is read, PyAV when the first frame of a film is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tasks.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Source(Protocol):
    """The backgrounds of a face, numbered from 0."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def threads(self) -> int:
        """How many threads may call `read` at the same time, at most."""

    def read(self, number: int) -> NDArray[np.uint8]:
        """A background, BGR `[height, width, 3]`, which the caller owns; raises `ModelError` that names the file."""

    def close(self) -> None:
        """Let go of what it has opened; `read` opens it again."""


class Pictures:
    """PNG or JPEG files of one size, in order."""

    threads = 64

    def __init__(self, files: Sequence[Path], size: tuple[int, int]) -> None:
        self._files = files
        self._size = size

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
        if (width, height) != self._size:
            wanted = f"{self._size[0]}×{self._size[1]}"
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
