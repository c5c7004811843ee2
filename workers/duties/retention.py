"""Removes from the store what nobody has used for long, and what it has no room for, without `slotline prune`.

Any flow worker can do it, one at a time: the one that holds the key `slotline:pruner`. A step takes about a second of
a thread of its own, because the store may be slow; the event loop never waits for it. Slot workers do not take part:
they compute. `Pruner.step` is one step; the duty `StoreRetention` calls it on the worker's timer.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redis import RedisError
from redis.exceptions import ResponseError

from tasks.errors import SlotlineError
from tasks.flow.ledger import Ledger
from tasks.redis import keys
from tasks.retention import state
from tasks.retention.retention import GB, Retention, Step, limits_of
from tasks.retention.round import Limits
from tasks.settings import settings
from tasks.store import identity
from tasks.store.artifacts import Store, store
from workers.duties.duty import PeriodicDuty
from workers.parent.pool import SlotPool
from workers.upstream.celery import unshared_client

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)

TERM_S = 60.0
"""When the worker that does it dies, another one takes over within this time."""

STEP_EVERY_S = 5.0
ENTRIES_A_STEP = 20_000
SECONDS_A_STEP = 1.0


class Pruner:
    """One worker's steps over one store, whose identity is `store_id`; `clock` gives seconds since 1970."""

    def __init__(
        self, client: Redis, store: Store, store_id: str, limits: Limits, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._store = store
        self._store_id = store_id
        self._limits = limits
        self._clock = clock
        self._ledger = Ledger(client)
        self._token = secrets.token_hex(8)
        self._retention = Retention(store, self._ledger, limits, clock=clock)
        self._state: state.State | None = None
        self._fault = ""

    def step(self) -> Step | None:
        """One step; None if another worker does it, or it is not time yet. Raises `StoreError`, redis-py's errors."""
        can_write = True
        try:
            if not self._ledger.upkeep.has_turn(keys.PRUNER, self._token, int(TERM_S * 1000)):
                self._state = None
                return None
        except ResponseError:
            # Redis writes nothing, perhaps because its disk is full. That is the time to remove something; two workers
            # that do it at once do no harm.
            can_write = False
        now = (self._state or state.load(self._client)).begun(self._limits, self._clock())
        if now.round is None:
            self._state = now
            return None
        if not now.round.cursor:
            identity.restore(self._store, self._store_id)
        step = self._retention.step(now.round, ENTRIES_A_STEP, SECONDS_A_STEP)
        self._say(step)
        if step.is_last:
            now = now.ended(self._limits, self._clock())
            self._say_if_too_large(now)
        self._state = now
        if can_write:
            state.save(self._client, now)
        return step

    def end(self) -> None:
        """The worker ends: another one may go on at once. Raises redis-py's errors."""
        self._ledger.upkeep.end_turn(keys.PRUNER, self._token)

    def _say(self, step: Step) -> None:
        if step.removed:
            size = f"{step.removed_bytes / 1e6:.1f} MB"
            logger.info("retention: removed %d artifacts, %s, from %s", step.removed, size, self._store.place)
        if step.fault and step.fault != self._fault:
            logger.warning("retention: %s", step.fault)
        self._fault = step.fault

    def _say_if_too_large(self, now: state.State) -> None:
        """At the end of rounds that could not make enough room."""
        limit = self._limits.max_bytes
        if limit is None or now.round is not None or now.last is None or now.last.bytes <= limit:
            return
        logger.warning(
            "retention: the store %s has %.1f MB, more than SLOTLINE_STORE_MAX_GB = %g: the rest is needed by open "
            "jobs, is text, or was used in the last ten minutes",
            *(self._store.place, now.last.bytes / 1e6, limit / GB),
        )


class StoreRetention(PeriodicDuty):
    """A step every few seconds in every flow worker, in a thread; only one of them finds something to do."""

    interval_s = STEP_EVERY_S
    begins_at_once = True

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._pruner: Pruner | None = None
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def include_if(self, consumer: Any) -> bool:
        """Flow workers, if anything is ever to be removed."""
        limits = limits_of(settings())
        return not isinstance(consumer.pool, SlotPool) and (limits.ttl_s, limits.max_bytes) != (None, None)

    def step(self) -> None:
        """Begin a step, unless the last one is still under way. The thread ends with the process, whatever it does."""
        if self._thread is not None and self._thread.is_alive():
            return
        if self._pruner is None:
            # No lock of this client is ever held by a thread while the pool forks.
            client = unshared_client(self.consumer.app)
            store_id = self.consumer.controller.setup.store_id
            self._pruner = Pruner(client, store(), store_id, limits_of(settings()))
        self._thread = threading.Thread(target=self._run, args=(self._pruner,), name="retention", daemon=True)
        self._thread.start()

    def shutdown(self, consumer: Any) -> None:
        """The worker has ended: let another one take over at once."""
        super().shutdown(consumer)
        if self._pruner is not None:
            with contextlib.suppress(RedisError):
                self._pruner.end()

    def _run(self, pruner: Pruner) -> None:
        try:
            pruner.step()
            self._is_failing = False
        except (RedisError, SlotlineError) as exc:
            if not self._is_failing:
                logger.warning("retention: skipped this time: %s", exc)
            self._is_failing = True
        except Exception:  # the boundary of the thread
            logger.exception("retention: this step failed; the next one comes in %g s", self.interval_s)
