"""Takes back what a slot has handed over and its model has not begun, while another slot of the model has nothing.

What was handed over or made ready but not begun still counts as waiting: it returns to the front of its queue,
without an attempt, and the idle slot has it. The sidecar alone says what has not begun; this only asks.
"""

from __future__ import annotations

import time

from redis import Redis

from tasks import health
from tasks.flow.connections import redis_client
from tasks.redis import keys
from tasks.routing import queue_of
from workers.duties.duty import PeriodicDuty
from workers.parent.pool import SlotPool

RUNS_LONG_S = 0.3
"""A run that is younger may end before another slot could have what waits behind it."""


class Recall(PeriodicDuty):
    """Looks twice a second, and asks Redis only where something waits behind a run that takes long."""

    interval_s = 0.5
    slot_workers_only = True

    def step(self) -> None:
        """Look once."""
        pool: SlotPool = self.consumer.pool
        if not waits_behind_a_long_run(pool, time.monotonic()):
            return
        client, queue = redis_client(self.consumer.app), queue_of(pool.spec.entry.name)
        if idle_slots(client, queue) and not health.waiting_in(client, queue):
            pool.dispatcher.recall("another slot is idle")


def waits_behind_a_long_run(pool: SlotPool, now: float) -> bool:
    """Whether this slot holds something that has not begun, and its run began long ago."""
    pipeline = pool.flight.current
    found = pipeline.running() if pipeline is not None else None
    if found is None or now - found[0].begun_at < RUNS_LONG_S:
        return False
    return bool(pool.dispatcher.pending) or pool.dispatcher.in_flight > len(found[1])


def idle_slots(client: Redis, queue: str) -> int:
    """How many slots hold nothing and look for work in this queue, by Redis' clock."""
    now = client.time()
    assert isinstance(now, tuple)
    seconds, micro = now
    found = client.zcount(keys.idle(queue), seconds * 1000 + micro // 1000, "+inf")
    return int(found)
