"""Retention in steps: each takes a bounded number of folders, and the next one goes on after them.

A step may be made by any process, and twice at the same time: it removes only what was not used since it was listed,
and what is gone is gone. A run that had found an artifact just before finds it missing, and computes it again
(`Incomplete`, `tasks/flow/kind.py`). A folder that cannot be listed, or a file that cannot be removed, is passed over;
the first reason is in the step's report. Nothing is written to the store, so a full disk is no hindrance.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tasks.errors import StoreError
from tasks.flow.ledger import Ledger
from tasks.retention.needed import needed
from tasks.retention.round import Limits, Round
from tasks.settings import Settings
from tasks.store import contents
from tasks.store.artifacts import Store

GB = 10**9
DRAFT_KEPT_S = 86400.0
"""The draft of a write that takes longer than this is taken for that of a dead process."""

NEEDED_AT_LEAST_S = 5.0
NEEDED_FOR_S = 300.0
"""How long the list of what open jobs need is valid: what a job needs since is fresh, so it is not removed."""


@dataclass(frozen=True)
class Step:
    """What one step removed, and the first reason why it could not do all (empty: it could)."""

    removed: int
    removed_bytes: int
    is_last: bool
    fault: str = ""


def limits_of(chosen: Settings) -> Limits:
    """The limits that the settings give."""
    max_bytes = None if chosen.store_max_gb is None else int(chosen.store_max_gb * GB)
    return Limits(chosen.store_ttl_s or None, max_bytes)


class Retention:
    """The retention of one store, for the jobs in one ledger. `clock` gives seconds since 1970."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        limits: Limits,
        dry_run: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._limits = limits
        self._dry_run = dry_run
        self._clock = clock
        self._needed: set[bytes] = set()
        self._needed_at_s: float | None = None
        self._fault = ""

    def step(self, now: Round, entries: int, seconds: float) -> Step:
        """Go on with the round for about so many entries of folders, or seconds; changes the round.

        Raises `StoreError` if the root cannot be listed, and redis-py's errors.
        """
        began, looked, self._fault = time.monotonic(), 0, ""
        before = (now.removed, now.removed_bytes)
        is_last = True
        for folder in contents.folders(self._store, now.cursor, self._pass_over):
            if looked and (looked >= entries or time.monotonic() - began >= seconds):
                is_last = False
                break
            self._look_up_needed()
            looked += self._take(now, folder)
            now.cursor = folder
        now.busy_s += time.monotonic() - began
        return Step(now.removed - before[0], now.removed_bytes - before[1], is_last, self._fault)

    def whole(self, began_s: float) -> tuple[Round, str]:
        """Whole rounds, as many as the limits need; the sum of what they removed, and the first fault. Takes long."""
        first = Round(began_s)
        fault = self.step(first, entries=2**62, seconds=float("inf")).fault
        if room := first.next_room(self._limits):
            second = Round(began_s, room)
            self.step(second, entries=2**62, seconds=float("inf"))
            if not self._dry_run:
                second.removed += first.removed
                second.removed_bytes += first.removed_bytes
            return second, fault
        return first, fault

    def _take(self, now: Round, name: str) -> int:
        """Look at one folder; returns the length of its listing."""
        try:
            folder = contents.listed(self._store, name)
        except StoreError as exc:
            self._pass_over(exc)
            return 1
        for stored in folder.stored:
            self._decide(now, stored)
        for draft in folder.drafts:
            if 0 < draft.modified_s < self._clock() - DRAFT_KEPT_S and not self._dry_run:
                self._try(lambda draft=draft: contents.remove_draft(self._store, draft))  # type: ignore[misc]
        return folder.entries

    def _decide(self, now: Round, stored: contents.Stored) -> None:
        now_s = self._clock()
        verdict = now.verdict(stored, self._needed, self._limits, now_s)
        if verdict in ("old", "room") and not self._dry_run and not self._try(lambda: self._remove(stored)):
            verdict = "keep"
        now.count(stored, verdict, self._limits, now_s)

    def _remove(self, stored: contents.Stored) -> bool:
        return contents.remove(self._store, stored)

    def _try(self, remove: Callable[[], bool | None]) -> bool:
        try:
            return remove() is not False
        except StoreError as exc:
            self._pass_over(exc)
            return False

    def _pass_over(self, exc: StoreError) -> None:
        self._fault = self._fault or str(exc)

    def _look_up_needed(self) -> None:
        now_s = self._clock()
        valid_s = max(NEEDED_AT_LEAST_S, min(NEEDED_FOR_S, self._limits.fresh_s / 2))
        if self._needed_at_s is None or now_s - self._needed_at_s > valid_s:
            self._needed, self._needed_at_s = needed(self._ledger), now_s
