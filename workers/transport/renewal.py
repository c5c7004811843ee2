"""The beat of a worker's leases: renew what it has in hand, give back what it dropped, reclaim what has ended.

`Renewal.step` is one beat and can be called alone. `LeaseKeeper` calls it on the worker's
own timer, so a worker whose event loop hangs renews nothing; the timer goes on while the
pool finishes its work at shutdown. Only requests that exist in this worker are renewed,
and only while the pool's child lives.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from celery import bootsteps
from celery.worker import state
from redis import RedisError

from workers.transport.leases import Leases, all_of_process

logger = logging.getLogger(__name__)

RENEW_AT_MOST_S = 5.0
GRACE_S = 1.0
"""A request on its way between Celery's own lists is in none of them for a moment; longer than this, it was dropped."""

REJOIN_S = 30.0
"""Longest pause that kombu makes between two tries to connect."""

RECLAIM_BATCH = 100
RECLAIM_BATCHES = 10


def beat_s(lease_s: float) -> float:
    """Seconds between two beats: a lease outlives two that fail."""
    return min(lease_s / 3, RENEW_AT_MOST_S)


def reclaimable_s(uptime_s: float, lease_s: float) -> float | None:
    """How long ago a lease may have ended to be reclaimed, at a server that is up for `uptime_s`; None: any.

    While the server was away nobody could renew, so a lease that was not renewed since
    (it ended before start + `lease_s`) is left to its holder for as long as that may
    need to connect again. Below 0: none at all.
    """
    return None if uptime_s >= lease_s + REJOIN_S else uptime_s - lease_s


def keys_of(requests: Iterable[Any]) -> set[str]:
    """The keys of the messages behind Celery's requests."""
    return {request.message.delivery_tag for request in requests}


def requests_of(consumer: Any) -> list[Any]:
    """Every request that still exists in this worker: running, waiting, scheduled, or held by a rate limit."""
    limited = [request for bucket in consumer.task_buckets.values() if bucket for request, _ in bucket.contents]
    return [*state.active_requests, *state.reserved_requests, *state.scheduled_requests, *limited]


class Renewal:
    """One worker's beat over its leases at one broker; `now` is any clock that only goes forward, in seconds."""

    def __init__(
        self,
        leases: Leases,
        existing: Callable[[], set[str]],
        child_is_alive: Callable[[], bool] = lambda: True,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.leases = leases
        self._existing = existing
        self._child_is_alive = child_is_alive
        self._now = now
        self._dropped_since: dict[str, float] = {}
        self._lost: set[str] = set()

    def step(self) -> None:
        """One beat; raises redis-py's errors, after which the next beat does what this one could not."""
        in_hand = self.leases.in_hand()
        existing = self._existing()
        self._give_back_dropped(in_hand, existing)
        if self._child_is_alive():
            self._renew([key for key in in_hand if key in existing and key not in self._lost])
        self._lost.intersection_update(in_hand)
        self.leases.flush()
        self._reclaim()

    def finish(self) -> None:
        """The worker ends and nothing runs any more: everything in hand goes back to the front."""
        self.leases.give_back(self.leases.in_hand())
        self.leases.flush()

    def _give_back_dropped(self, in_hand: tuple[str, ...], existing: set[str]) -> None:
        now = self._now()
        absent = [key for key in in_hand if key not in existing]
        self._dropped_since = {key: self._dropped_since.get(key, now) for key in absent}
        dropped = [key for key in absent if now - self._dropped_since[key] >= GRACE_S]
        if dropped:
            logger.info("%d messages that this worker dropped go back to their queues", len(dropped))
            self.leases.give_back(dropped)

    def _renew(self, tags: list[str]) -> None:
        for key in self.leases.renew(tags):
            # It may have been acknowledged by another thread since we looked.
            if key in self.leases.in_hand():
                self._lost.add(key)
                logger.warning("the lease on message %s has ended: another worker may run it as well", key)

    def _reclaim(self) -> None:
        within_s = reclaimable_s(self.leases.server_uptime_s(), self.leases.lease_s)
        if within_s is not None and within_s < 0:
            return
        holders: list[str] = []
        for _ in range(RECLAIM_BATCHES):
            batch = self.leases.reclaim(RECLAIM_BATCH, within_s)
            holders += batch
            if len(batch) < RECLAIM_BATCH:
                break
        for holder, count in Counter(holders).items():
            logger.warning("%d messages of %s, whose lease has ended, go back to their queues", count, holder)


class LeaseKeeper(bootsteps.StartStopStep):
    """Consumer bootstep: the beat while the worker lives, and the return of what is left when it ends."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self._timers: list[Any] = []
        self._beats: dict[int, Renewal] = {}
        super().__init__(consumer, **kwargs)

    def start(self, consumer: Any) -> None:
        """Called for every new connection; the timers of a lost one are cancelled with it."""
        self._cancel(consumer)
        for leases in all_of_process():
            self._timers.append(consumer.timer.call_repeatedly(beat_s(leases.lease_s), self._beat, (consumer, leases)))
        # What the lost connection left behind need not wait for a whole beat.
        self._timers.append(consumer.timer.call_after(0, self.step, (consumer,)))
        self._timers.append(consumer.timer.call_after(GRACE_S, self.step, (consumer,)))

    def stop(self, consumer: Any) -> None:
        """Nothing: while the pool finishes its work, its messages must stay leased."""

    def step(self, consumer: Any) -> None:
        """One beat of every broker's leases."""
        for leases in all_of_process():
            self._beat(consumer, leases)

    def shutdown(self, consumer: Any) -> None:
        """Called last, after the pool has ended."""
        self._cancel(consumer)
        for leases in all_of_process():
            try:
                self._renewal(consumer, leases).finish()
            except RedisError as exc:
                logger.warning("what is in hand comes back when its lease ends: %s", exc)

    def _beat(self, consumer: Any, leases: Leases) -> None:
        try:
            self._renewal(consumer, leases).step()
        except RedisError as exc:
            logger.warning("leases not renewed this time: %s", exc)

    def _renewal(self, consumer: Any, leases: Leases) -> Renewal:
        if id(leases) not in self._beats:
            self._beats[id(leases)] = Renewal(
                leases,
                existing=lambda: keys_of(requests_of(consumer)),
                child_is_alive=lambda: bool(getattr(consumer.pool, "child_is_alive", True)),
            )
        return self._beats[id(leases)]

    def _cancel(self, consumer: Any) -> None:
        while self._timers:
            consumer.timer.cancel(self._timers.pop())
