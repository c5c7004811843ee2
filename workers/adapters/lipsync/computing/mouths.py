"""Computes the mouths of stretches: frames of several stretches in one batch, as many as fit into memory.

It knows the networks, and neither files nor sounds. Between batches is a safe point: a stretch that is cancelled is
computed no further. When memory runs out, a batch has half the frames from then on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.errors import SlotlineError
from tasks.messages.lipsync import FPS
from workers.adapters import hardware
from workers.adapters.base import Cancelled
from workers.adapters.lipsync.computing.network import Network
from workers.adapters.lipsync.computing.shared import Shared
from workers.adapters.lipsync.prepared import Mouths, PreparedStretch

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Piece:
    """`count` frames of stretch number `stretch`, from its frame `first` on."""

    stretch: int
    first: int
    count: int


def take(waiting: deque[Piece], most: int) -> Iterator[Piece]:
    """Take the next pieces from the front, `most` frames in all; a piece that does not fit is divided."""
    while waiting and most:
        one = waiting.popleft()
        if one.count > most:
            waiting.appendleft(Piece(one.stretch, one.first + most, one.count - most))
            one = Piece(one.stretch, one.first, most)
        most -= one.count
        yield one


class MouthMaker:
    """Computes stretches of one face."""

    def __init__(self, network: Network, shared: Shared, device: str) -> None:
        self._network = network
        self._shared = shared
        self._device = device

    def make(
        self, stretches: Sequence[PreparedStretch], is_cancelled: Callable[[int], bool]
    ) -> list[Mouths | Exception]:
        """Mouths, or `Cancelled`, for each stretch; raises `OutOfMemory` if one frame alone does not fit."""
        self._shared.begin(self._network)
        heard = [self._shared.encoder.features(one) for one in stretches]
        mouths = [np.empty_like(one.faces) for one in stretches]
        waiting = deque(Piece(number, 0, len(one.faces)) for number, one in enumerate(stretches))
        cancelled: set[int] = set()
        while waiting:
            cancelled |= {number for number in {one.stretch for one in waiting} if is_cancelled(number)}
            waiting = deque(one for one in waiting if one.stretch not in cancelled)
            pieces = list(take(waiting, self._network.shape.at_once or self._shared.frames))
            if pieces and not self._computed(pieces, stretches, heard, mouths):
                waiting.extendleft(reversed(pieces))
        return [Cancelled() if number in cancelled else Mouths(one) for number, one in enumerate(mouths)]

    def warm_up(self) -> None:
        """Compute a batch of black faces in silence: the first real one then costs as much as the others."""
        shape = self._network.shape
        frames = shape.at_once or self._shared.frames
        faces = np.zeros((frames, 3, shape.side, shape.side), np.uint8)
        mels = np.full((FPS, 80, 16), -4.0, np.float32)
        self.make([PreparedStretch(faces, mels, (b"silence",), 0, FPS, 0)], lambda number: False)

    def _computed(
        self,
        pieces: Sequence[Piece],
        stretches: Sequence[PreparedStretch],
        heard: Sequence[NDArray[np.float32]],
        mouths: Sequence[NDArray[np.uint8]],
    ) -> bool:
        """Compute one batch; False if it has to be computed again in parts, because memory ran out."""
        arrays, frames = self._shared.arrays(self._network.shape), 0
        for one in pieces:
            end = one.first + one.count
            arrays.fill(frames, stretches[one.stretch].faces[one.first : end], heard[one.stretch][one.first : end + 15])
            frames += one.count
        output = self._output(frames)
        if output is None:
            return False
        at = 0
        for one in pieces:
            arrays.mouths(output[at : at + one.count], mouths[one.stretch][one.first : one.first + one.count])
            at += one.count
        return True

    def _output(self, frames: int) -> NDArray[np.float32] | None:
        """The network's output; None if memory ran out, and fewer frames may fit."""
        out_of_memory: SlotlineError | None
        try:
            return self._network.run(self._shared.arrays(self._network.shape), frames)
        except Exception as exc:  # the boundary to the model's code
            out_of_memory = hardware.memory_error(exc, self._device)
            if out_of_memory is None:
                raise
        hardware.release(self._device)
        if frames == 1 or self._network.shape.at_once:
            raise out_of_memory
        self._shared.halve(frames, self._device)
        return None
