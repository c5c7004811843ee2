"""In which order the backgrounds of a face are shown, and which will be wanted next. Pure.

A position counts shown frames from 0 on, without an end; it has one background, whose number is its place in the
folder. Backgrounds run forwards and backwards: 1, 2, …, n−1, n−2, …, 1, 0, 1, …, so the first one is shown last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_ROWS = 16


def background_at(position: int, count: int) -> int:
    """The background that is shown at `position` (from 0 on), of `count`."""
    period = max(1, 2 * count - 2)
    step = (position + 1) % period
    return min(step, period - step) if count > 1 else 0


def backgrounds(first: int, frames: int, count: int) -> list[int]:
    """Those of `frames` positions from `first` on."""
    return [background_at(position, count) for position in range(first, first + frames)]


@dataclass(frozen=True)
class Row:
    """Stretches of one film that this slot has got: the last one, and how far behind the one before it began.

    `until` is the end of the film, as far as it is known. `step` is 0 before the second stretch.
    """

    first: int
    frames: int
    until: int | None = None
    step: int = 0
    is_steady: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether this is the last stretch of its film, as far as that is known."""
        return self.until is not None and self.first + self.frames >= self.until

    def expected(self) -> int | None:
        """Where the next stretch begins; None if it cannot be told.

        A slot that has the film for itself gets each stretch. Where several slots share one, each gets every third,
        for example, but not always: only two steps of one length in succession promise a third one.
        """
        if not self.is_steady:
            return None
        return self.first + (self.step or self.frames)


def following(rows: Sequence[Row], first: int, frames: int, until: int | None) -> tuple[Row, list[Row]]:
    """The row that a stretch belongs to, with it; and all rows, the latest one last. At most `MOST_ROWS` are kept.

    A stretch belongs to the row that expected it, or else to one of the same film that it can go on. Two films of the
    same length that begin at the same background are one row: they are shown with the same backgrounds.
    """
    same = [row for row in rows if row.until == until]
    before = (
        next((row for row in same if row.first == first), None)
        or next((row for row in same if row.expected() == first), None)
        or max((row for row in same if row.first < first), key=lambda row: row.first, default=None)
    )
    if before is None:
        row = Row(first, frames, until)
    elif before.first == first:
        row = before
    else:
        step = first - before.first
        row = Row(first, frames, until, step, is_steady=step in (before.frames, before.step))
    kept = [one for one in rows if one is not before]
    return row, [*kept, row][-MOST_ROWS:]


def ahead(row: Row, most: int) -> range:
    """The positions to read ahead after this row's last stretch, at most `most`. They end where the film ends.

    Stretches that follow each other are read on and on; of a film that several slots share, the next stretch alone.
    """
    expected = row.expected()
    if expected is None:
        return range(0)
    frames = most if expected == row.first + row.frames else min(most, row.frames)
    end = expected + frames if row.until is None else min(row.until, expected + frames)
    return range(expected, max(expected, end))
