"""Decoded backgrounds of one face: reads them ahead in the order of showing, keeps those in use, lets go of the others.

Frames of stretches that are being made are decoded once, for cutting and for pasting; they are at most `held`, or one
stretch if that has more. Beside them at most `window` frames are there: those that are read ahead, by threads of its
own, and, as far as there is room, those that were shown last. A frame that is not there is decoded when it is asked
for, so what is held never changes what is shown. When no film goes on, all of it is let go.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING

from workers.adapters.lipsync.frames.showing import Row, ahead, backgrounds, following
from workers.adapters.lipsync.frames.source import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AHEAD = 2
"""How many stretches of one film are read ahead at most: the room that is left has frames for those that come later."""
IDLE_S = 10.0
"""After how long without a request what was read ahead is let go, and the threads end."""
HELD_S = 120.0
"""After how long without a request frames of stretches that were never finished are let go."""


class Backgrounds:
    """The backgrounds of one face, for several threads at a time. Frames that it gives are nobody's to write to."""

    def __init__(self, source: Source, window: int, held: int, threads: int = 2, idle_s: float = IDLE_S) -> None:
        self._source = source
        self._window = window
        self._most_held = held
        self._most_threads = min(threads, source.threads)
        self._idle_s = idle_s
        self._changed = threading.Condition()
        self._frames: dict[int, NDArray[np.uint8]] = {}
        self._faults: dict[int, Exception] = {}
        self._needed: Counter[int] = Counter()
        """By how many stretches and waiting threads a frame is needed now."""
        self._stretches: deque[tuple[int, int]] = deque()
        """The stretches that are being made: first position and length, the oldest first."""
        self._planned: dict[int, None] = {}
        """The frames that are to be read ahead or are there before anybody needs them, in the order of need."""
        self._rows: list[Row] = []
        self._urgent: deque[int] = deque()
        self._reading: set[int] = set()
        self._threads = 0
        self._closed = 0
        self._used_at = 0.0
        self._hits = self._misses = 0
        self._decode_s = self._waited_s = 0.0

    def stats(self) -> Mapping[str, float]:
        """How many frames were there when a stretch needed them (hits) or not, seconds of decoding and of waiting.

        `frames` and `bytes` are what is held now.
        """
        with self._changed:
            return {
                "hits": self._hits,
                "misses": self._misses,
                "decode_s": self._decode_s,
                "waited_s": self._waited_s,
                "frames": len(self._frames),
                "bytes": sum(frame.nbytes for frame in self._frames.values()),
            }

    def begin(self, first: int, frames: int, until: int | None = None) -> list[int]:
        """Hold the frames of a stretch until `end`, and read ahead what is expected next, up to the position `until`.

        Returns their numbers, for `get`. Does not wait.
        """
        numbers = backgrounds(first, frames, self._source.count)
        with self._changed:
            self._hold(first, frames, numbers)
            row, self._rows = following(self._rows, first, frames, until)
            self._plan(row)
        return numbers

    def resume(self, first: int, frames: int) -> list[int]:
        """The frames of a stretch that was begun, to paste into them. If they were let go, they are read again."""
        numbers = backgrounds(first, frames, self._source.count)
        with self._changed:
            if (first, frames) not in self._stretches:
                self._hold(first, frames, numbers)
        return numbers

    def end(self, first: int, frames: int) -> None:
        """Nobody needs the frames of this stretch any more."""
        with self._changed:
            if (first, frames) in self._stretches:
                self._stretches.remove((first, frames))
                self._release(backgrounds(first, frames, self._source.count))
            self._rows = [row for row in self._rows if not row.is_whole]
            if not self._rows and not self._needed:
                self._frames.clear()
            self._trim()

    def get(self, number: int) -> NDArray[np.uint8]:
        """A frame, BGR `[height, width, 3]`. Waits until it is decoded; raises `ModelError` if it is damaged."""
        with self._changed:
            self._used_at = started = monotonic()
            self._needed[number] += 1
            try:
                while number not in self._frames:
                    if fault := self._faults.pop(number, None):
                        raise fault
                    self._want([number])
                    self._changed.wait()
                return self._frames[number]
            finally:
                self._release([number])
                self._waited_s += monotonic() - started

    def close(self) -> None:
        """Let go of all frames, and end the threads. It can still be used: then it starts again."""
        with self._changed:
            self._closed += 1
            self._forget()
            self._changed.notify_all()

    def _hold(self, first: int, frames: int, numbers: list[int]) -> None:
        """Need these frames until `end`; the oldest stretches are let go if there are too many."""
        self._used_at = monotonic()
        wanted = dict.fromkeys(numbers)
        there = self._frames.keys() | self._reading
        self._hits += len(wanted.keys() & there)
        self._misses += len(wanted.keys() - there)
        while self._stretches and sum(length for _, length in self._stretches) + frames > self._most_held:
            self._release(backgrounds(*self._stretches.popleft(), self._source.count))
        self._stretches.append((first, frames))
        for number in wanted:
            self._needed[number] += 1
            self._planned.pop(number, None)
        self._want(wanted)
        self._trim()

    def _release(self, numbers: Iterable[int]) -> None:
        for number in dict.fromkeys(numbers):
            self._needed[number] -= 1
            if self._needed[number] <= 0:
                del self._needed[number]
                self._faults.pop(number, None)

    def _want(self, numbers: Iterable[int]) -> None:
        """Read these next, in this order."""
        self._urgent.extend(one for one in numbers if self._is_lacking(one) and one not in self._urgent)
        self._start_threads()

    def _plan(self, row: Row) -> None:
        """Read ahead what this row is expected to need, its share of the window; the oldest plans make room."""
        share = self._window // max(1, len(self._rows))
        positions = ahead(row, min(max(row.frames, share), AHEAD * row.frames))
        for number in backgrounds(positions.start, len(positions), self._source.count):
            self._planned.pop(number, None)
            self._planned[number] = None
        while len(self._planned) > self._window:
            del self._planned[next(iter(self._planned))]
        self._trim()
        self._start_threads()

    def _trim(self) -> None:
        """Let go of frames that nobody needs and no plan has, the oldest first, as far as others need their room."""
        spare = [one for one in self._frames if one not in self._needed and one not in self._planned]
        for number in spare[: max(0, len(spare) + len(self._planned) - self._window)]:
            del self._frames[number]

    def _is_lacking(self, number: int) -> bool:
        return number not in self._frames and number not in self._reading

    def _start_threads(self) -> None:
        waiting = len(self._urgent) + sum(map(self._is_lacking, self._planned)) + len(self._reading)
        while self._threads < min(self._most_threads, waiting):
            thread = threading.Thread(
                target=self._read_on, args=[self._closed], name="slotline-backgrounds", daemon=True
            )
            thread.start()
            self._threads += 1  # after the start, which may fail; the thread waits for the lock
        self._changed.notify_all()

    def _read_on(self, closed: int) -> None:
        """What each thread does: read what is urgent, then what is planned, and wait, until it is idle or closed."""
        while True:
            with self._changed:
                while (number := self._next()) is None:
                    if closed != self._closed or self._is_idle():
                        self._threads -= 1
                        return
                    self._changed.wait(self._idle_s)
                self._reading.add(number)
            self._read(number)

    def _next(self) -> int | None:
        while self._urgent:
            number = self._urgent.popleft()
            if self._is_lacking(number) and number in self._needed:
                return number
        return next(filter(self._is_lacking, self._planned), None)

    def _read(self, number: int) -> None:
        started = monotonic()
        frame, fault = None, None
        try:
            frame = self._source.read(number)
        except Exception as exc:  # whoever waits for the frame gets it
            fault = exc
        with self._changed:
            self._reading.discard(number)
            self._decode_s += monotonic() - started
            if frame is not None:
                self._frames[number] = frame
            else:
                self._planned.pop(number, None)
                if fault and number in self._needed:
                    self._faults[number] = fault
            self._trim()
            self._changed.notify_all()

    def _is_idle(self) -> bool:
        """Whether this thread may end. Lets go of what has not been used for long."""
        idle_s = monotonic() - self._used_at
        if idle_s < self._idle_s:
            return False
        if self._needed and idle_s < max(HELD_S, self._idle_s):
            self._planned.clear()
            self._frames = {number: frame for number, frame in self._frames.items() if number in self._needed}
            return self._threads > 1
        self._forget()
        return True

    def _forget(self) -> None:
        for first, frames in self._stretches:
            self._release(backgrounds(first, frames, self._source.count))
        self._stretches.clear()
        self._planned.clear()
        self._rows.clear()
        self._urgent.clear()
        self._frames.clear()
        self._source.close()
