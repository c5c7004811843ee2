"""Reads the backgrounds of a face from a film, one thread at a time. PyAV is imported when the film is opened."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tasks.media.film.read import FilmFrames


class FilmSource:
    """The frames of a film as backgrounds. It is open from the first question to `close`."""

    threads = 1

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._film: FilmFrames | None = None
        self._about: tuple[int, tuple[int, int]] | None = None
        """Its frames and its size: they stay what they were when it was opened first."""

    @property
    def count(self) -> int:
        """How many frames it has; raises `ValueError` if it is no film."""
        return self._known()[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; raises `ValueError` if it is no film."""
        return self._known()[1]

    def read(self, number: int) -> NDArray[np.uint8]:
        """See `Source`."""
        with self._lock:
            try:
                frame: NDArray[np.uint8] = self._open().read(number)
            except ValueError as exc:
                raise ModelError(self._said(exc)) from exc
            return frame

    def close(self) -> None:
        """Close the film; `read` opens it again."""
        with self._lock:
            if self._film is not None:
                self._film.close()
            self._film = None

    def _known(self) -> tuple[int, tuple[int, int]]:
        if self._about is not None:  # does not wait for a frame that is being decoded
            return self._about
        with self._lock:
            if self._about is None:
                film = self._open()
                self._about = film.count, film.size
            return self._about

    def _open(self) -> FilmFrames:
        from tasks.media.film.read import FilmFrames

        if self._film is None:
            try:
                self._film = FilmFrames(self._path)
            except ValueError as exc:
                raise ValueError(self._said(exc)) from exc
        if self._about not in (None, (self._film.count, self._film.size)):
            raise ValueError(f"{self._path}: was replaced by another film after the face was loaded")
        return self._film

    def _said(self, exc: ValueError) -> str:
        """Its errors name the file; which face it is of says the folder."""
        return str(exc) if str(self._path.parent) in str(exc) else f"{self._path.parent}/{exc}"
