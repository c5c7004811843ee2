"""Which batches are being put away now, by whichever thread, as the page shows it.

Guarantee: from the begin to the end of each work the page names its batches, and since when the oldest work is done; so
the parent knows whose work may have ended the sidecar, and what takes too long.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from time import monotonic

from workers.wire.page import Page, Stage


@dataclass(frozen=True)
class _Work:
    """One work: its first and its last batch, and since when it is done."""

    first: int
    last: int
    since: float


class AwayWork:
    """What is put away now; any thread begins and ends work."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._changing = threading.Lock()
        self._numbers = itertools.count()
        self._works: dict[int, _Work] = {}

    @contextlib.contextmanager
    def on(self, batches: Collection[int]) -> Iterator[None]:
        """The block puts these batches away. An error in it ends the process: then the page goes on naming them."""
        number = next(self._numbers)
        with self._changing:
            self._works[number] = _Work(min(batches), max(batches), monotonic())
            self._show()
        yield
        with self._changing:
            del self._works[number]
            self._ended()

    def _ended(self) -> None:
        """Count the time until now, or until the begin of the oldest work that is left: that counts when it ends."""
        oldest = min((work.since for work in self._works.values()), default=monotonic())
        self._page.leave(Stage.AWAY, oldest)
        if self._works:
            self._show()

    def _show(self) -> None:
        works = self._works.values()
        first, last = min(work.first for work in works), max(work.last for work in works)
        self._page.enter(Stage.AWAY, first, min(work.since for work in works), last)
