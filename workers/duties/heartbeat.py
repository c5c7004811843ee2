"""A worker's beat: every few seconds it writes how it stands to Redis, where `tasks/health.py` reads it.

A timer of the worker's own event loop, so a worker whose loop hangs is silent. It judges
nothing. A worker that ends takes its word back; one that dies leaves it for a minute.
"""

from __future__ import annotations

import logging
import os
import socket
from time import monotonic
from typing import Any

from celery import bootsteps, signals
from celery.worker import state
from redis import Redis, RedisError

from tasks import health
from tasks.health import Beat
from tasks.routing import FLOW_QUEUE, queue_of
from tasks.settings import settings
from workers.parent.pool import SlotPool
from workers.transport.renewal import beat_s

logger = logging.getLogger(__name__)


class Heartbeat(bootsteps.StartStopStep):
    """Consumer bootstep of every worker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self._timer: Any = None
        self._count = -1
        self._moved_at = 0.0
        self._state = ""
        self._state_since = 0.0
        self._every_s = beat_s(settings().lease_s)
        # Whoever waits for a worker to be ready and then asks for its health is not to hear of the moment before.
        signals.worker_ready.connect(self._ready, weak=False, dispatch_uid="slotline.heartbeat")
        super().__init__(consumer, **kwargs)

    def start(self, consumer: Any) -> None:
        """Called for every new connection; the timer of a lost one is cancelled with it."""
        self._cancel()
        self._timer = consumer.timer.call_repeatedly(self._every_s, self.step, (consumer,))
        consumer.timer.call_after(0, self.step, (consumer,))

    def stop(self, consumer: Any) -> None:
        """Nothing: while the pool finishes its work, the worker is still there."""

    def shutdown(self, consumer: Any) -> None:
        """Called last: the worker has ended."""
        self._cancel()
        try:
            health.forget(_client(consumer), consumer.hostname)
        except RedisError as exc:
            logger.info("its last heartbeat stays for a while: %s", exc)

    def step(self, consumer: Any) -> None:
        """One beat."""
        try:
            client = _client(consumer)
            health.write(client, self._beat(consumer, client))
        except RedisError as exc:
            logger.warning("no heartbeat this time: %s", exc)

    def _ready(self, sender: Any, **_: Any) -> None:
        self.step(sender)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self, consumer: Any, client: Redis) -> Beat:
        pool, now = consumer.pool, monotonic()
        slot = pool if isinstance(pool, SlotPool) else None
        spec = slot.spec if slot else None
        waiting = health.waiting_in(client, queue_of(spec.entry.name) if spec else FLOW_QUEUE)
        stands = _state_of(slot)
        if stands != self._state:
            self._state, self._state_since = stands, now
        busy_since, done = (slot.busy_since, slot.done_at) if slot else (None, None)
        return Beat(
            worker=consumer.hostname,
            host=socket.gethostname(),
            pid=os.getpid(),
            model=spec.entry.name if spec else None,
            state=stands,
            state_s=round(now - self._state_since, 1),
            child_alive=slot.child_is_alive if slot else True,
            busy_s=None if busy_since is None else round(now - busy_since, 1),
            done_s=None if done is None else round(now - done, 1),
            stall_s=spec.entry.stall_s if spec else None,
            waiting=waiting,
            stuck_s=round(self._stuck_s(waiting, slot, now), 1),
            failures=len(slot.streak) if slot else 0,
            deaths=max(0, slot.watch.tries.deaths) if slot else 0,
            closed=slot.closed if slot else "",
            beat_s=self._every_s,
            on_demand=slot is not None and slot.is_ready,
        )

    def _stuck_s(self, waiting: int, slot: SlotPool | None, now: float) -> float:
        """For how long nothing was begun and nothing runs, though messages wait."""
        begun = sum(state.total_count.values())
        has_work = bool(waiting or state.reserved_requests)
        is_idle = not state.active_requests and (slot is None or (slot.is_ready and not slot.errand))
        if begun != self._count or not has_work or not is_idle:
            self._count, self._moved_at = begun, now
        return now - self._moved_at


def _state_of(slot: SlotPool | None) -> str:
    if slot is None:
        return "running"
    return "busy" if slot.busy_since is not None else str(slot.watch.state)


def _client(consumer: Any) -> Redis:
    client: Redis = consumer.app.backend.client
    return client
