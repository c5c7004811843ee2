"""The pictures of one face: cuts the faces of a stretch for the network, and makes its film of what that answers.

It has no network and computes no sound. Several threads may use it at the same time: one stretch is cut while another
one is pasted. Importing it is cheap; numpy, cv2 and PyAV are loaded when the first frame is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from workers.adapters.lipsync import picture
from workers.adapters.lipsync.backgrounds import Backgrounds
from workers.adapters.lipsync.folder import FaceFolder
from workers.adapters.lipsync.frames.parsing import Parsing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW = 50
HELD = 100
"""Frames of 1280×720 pixels have 2.8 MB: both together are 415 MB at most, for a face that is speaking."""


class Face:
    """One face. Positions count shown frames from 0 on, in the order of showing (`frames/showing.py`).

    `side` is the side of its network's pictures in pixels; `legacy_paste` pastes as the Go server did. `window` is how
    many decoded frames are read ahead, and `held` how many of stretches that are being made stay decoded, at most.
    """

    def __init__(
        self, folder: FaceFolder, side: int, window: int = WINDOW, legacy_paste: bool = False, held: int = HELD
    ) -> None:
        self._folder = folder
        self._side = side
        self._window = window
        self._held = held
        self._paste = picture.paste_legacy if legacy_paste else picture.paste
        self._lock = threading.Lock()
        self._opened: tuple[Backgrounds, Parsing] | None = None

    def open(self, place: str = "") -> None:
        """Look at its frames; raises `ModelLoadError` if they are a film that does not fit. No frame is kept."""
        self._parts(place)

    def crops(self, first: int, count: int, until: int | None = None) -> NDArray[np.uint8]:
        """The cut faces at `count` positions from `first` on, uint8 `[count, 3, side, side]` (blue, green, red).

        `until` is the position at which the film ends: nothing beyond it is read ahead. Raises `ModelError` if a
        frame is damaged. The frames are held for `film`, which is called with the same positions.
        """
        import numpy as np

        backgrounds, _ = self._parts()
        faces = np.empty((count, 3, self._side, self._side), np.uint8)
        try:
            for number, face in zip(backgrounds.begin(first, count, until), faces, strict=True):
                picture.cut(backgrounds.get(number), self._folder.rectangles.all[number], self._side, face)
        except BaseException:
            backgrounds.end(first, count)
            raise
        return faces

    def film(self, first: int, mouths: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        """The frames from position `first` on with these faces, `[n, 3, side, side]`: BGR, each made when asked for.

        A frame belongs to who asked for it. Raises `ModelError` if a background is damaged.
        """
        backgrounds, parsing = self._parts()
        try:
            for number, mouth in zip(backgrounds.resume(first, len(mouths)), mouths, strict=True):
                at = self._folder.rectangles.all[number]
                frame = backgrounds.get(number).copy()
                self._paste(frame, at, mouth, parsing.kept(number, at))
                yield frame
        finally:
            backgrounds.end(first, len(mouths))

    def stats(self) -> Mapping[str, float]:
        """Its backgrounds: `hits` and `misses` of what was read ahead, `decode_s`, `waited_s`, `frames`, `bytes`."""
        with self._lock:
            opened = self._opened
        return opened[0].stats() if opened else {}

    def close(self) -> None:
        """Let go of its frames and threads. A film that is still being made reads its frames again."""
        with self._lock:
            opened = self._opened
        if opened:
            opened[0].close()

    def _parts(self, place: str = "") -> tuple[Backgrounds, Parsing]:
        with self._lock:
            if self._opened is None:
                source, size = self._folder.opened(place)
                self._opened = Backgrounds(source, self._window, self._held), Parsing(self._folder.parsing, size)
            return self._opened
