"""Renews a worker's claim on its slot, and the record of its store, while it lives; frees the slot at its end."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from redis import Redis, RedisError

from tasks.redis.refusals import words
from tasks.settings import beat_s
from tasks.shared_store.users import StoreUse
from workers.slots.claim import SlotClaim

logger = logging.getLogger(__name__)


class ClaimRenewal:
    """Renews a claim while its worker lives, by a daemon thread with a connection of its own.

    It does not use the worker's event loop, so a busy or blocked loop loses no slot. When
    another worker holds the slot, or live workers use another store by now, `on_lost` is called once, in that
    thread, with a sentence. The thread does not survive a fork: a child neither renews nor releases.
    """

    def __init__(
        self,
        claim: SlotClaim,
        client: Redis,
        lease_s: float,
        on_lost: Callable[[str], None],
        store_use: StoreUse | None = None,
    ) -> None:
        self.claim = claim
        self._client = client
        self._lease_s = lease_s
        self._on_lost = on_lost
        self._store_use = store_use
        self._pid = os.getpid()
        self._is_ready = False
        self._parts: int | None = None
        self._is_away = False
        self._changed = threading.Event()
        self._is_stopped = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="slot-lease", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def set_ready(self, is_ready: bool) -> None:
        """Say whether this worker takes parts now; the thread writes it to Redis at once."""
        self._is_ready = is_ready
        self._changed.set()

    def set_parts(self, parts: int) -> None:
        """Say how many parts this worker takes at once by now; the thread writes it to Redis at once."""
        if parts != self._parts:
            self._parts = parts
            self._changed.set()

    def step(self) -> bool:
        """Renew once; False when the slot is lost."""
        with self._lock:
            if self._is_stopped:
                return False
            try:
                reason = self._renew()
            except RedisError as exc:
                if not self._is_away:
                    logger.warning("the slot's lease cannot be renewed: %s", words(exc))
                self._is_away = True
                return True
            self._is_away = False
        if reason is None:
            return True
        self._on_lost(reason)
        return False

    def _renew(self) -> str | None:
        """Renew everything; a sentence if something was lost."""
        if holder := self.claim.renew(self._client, self._lease_s, self._is_ready, self._parts):
            ran_out = f"the lease of {self._lease_s:g} s ran out before it was renewed"
            return f"slot lost: {holder} holds it by now ({ran_out})"
        return self._store_use.renew(self._client, self._lease_s) if self._store_use else None

    def stop(self) -> None:
        """Stop renewing and free the slot; again, or in a forked child, it does nothing."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            if self._is_stopped:
                return
            self._is_stopped = True
        self._changed.set()
        try:
            self.claim.release(self._client)
        except RedisError as exc:
            logger.warning("the slot could not be released, it is free in %g s: %s", self._lease_s, words(exc))

    def _run(self) -> None:
        try:
            while self.step():
                self._changed.wait(beat_s(self._lease_s))
                self._changed.clear()
        except Exception:  # the thread's boundary; without it the slot would be lost in silence
            logger.exception("the slot's lease is no longer renewed")
