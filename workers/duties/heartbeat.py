"""A worker's heartbeat: every few seconds it writes its status to Redis, where `tasks/health.py` reads it.

It runs on the worker's own event loop, so a worker whose loop hangs sends none. Where there is reason
to, it first looks whether the worker has lost a right at Redis, and logs it once. It does not decide
about health. A worker that ends deletes its last heartbeat; that of a dead worker stays for a minute.
"""

from __future__ import annotations

import logging
import math
import os
import socket
from time import monotonic
from typing import Any

from celery import signals
from redis import Redis, RedisError

from tasks import __version__, health
from tasks.catalog import catalog
from tasks.flow.connections import redis_client
from tasks.health import Beat
from tasks.redis import rights
from tasks.redis.refusals import rights_refused, words
from tasks.routing import FLOW_QUEUE, queue_of
from tasks.settings import beat_s, settings
from workers.duties.duty import PeriodicDuty
from workers.flow.pool import FlowPool
from workers.parent.pool import SlotPool
from workers.slots.claim import host_id
from workers.upstream.celery import begun_count, has_active, has_reserved, limited_requests

logger = logging.getLogger(__name__)

BEATS_OF_REST = 3
"""For so many beats a worker takes nothing after one that found a right missing."""

LOOK_AGAIN_S = 60.0
"""A worker that was refused nothing looks at its rights so often: the look is the dearest part of a beat."""


class Heartbeat(PeriodicDuty):
    """The heartbeat of every worker: one every `lease_s` / 3, at most 5 s."""

    begins_at_once = True

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self.interval_s = beat_s(settings().lease_s)
        self._count = -1
        self._moved_at = 0.0
        self._state = ""
        self._state_since = 0.0
        self._refused = ""
        self._looked_at = -math.inf
        self._refusals = 0

    def start(self, consumer: Any) -> None:
        """Write heartbeats from now on, and one when the worker becomes ready.

        So a client that waits until a worker is ready, and then asks for its health, never reads an older status.
        """
        signals.worker_ready.connect(self._on_ready, weak=False, dispatch_uid="slotline.heartbeat")
        self._looked_at = -math.inf  # Redis ends the connections of who loses the right to a channel
        super().start(consumer)

    def stop(self, consumer: Any) -> None:
        """Does nothing: while the pool finishes its batch, the worker still lives."""

    def shutdown(self, consumer: Any) -> None:
        """Called last, when the worker has ended: delete its heartbeat."""
        super().shutdown(consumer)
        try:
            health.forget(self._client, consumer.hostname)
        except RedisError as exc:
            logger.info("the last heartbeat could not be deleted; it stays for a minute: %s", words(exc))

    def step(self) -> None:
        """Write one heartbeat."""
        if self._has_reason_to_look():
            self._look_at_rights()
        health.write(self._client, self._beat())

    def _has_reason_to_look(self) -> bool:
        """At each new connection, after a refusal, while a right is missing, and else once in `LOOK_AGAIN_S`."""
        is_refused = bool(self._refused) or rights_refused() != self._refusals
        return is_refused or monotonic() - self._looked_at >= LOOK_AGAIN_S

    def _look_at_rights(self) -> None:
        """An operator may take a right away while the worker runs: the log and the heartbeat name it."""
        refusals = rights_refused()
        found = rights.lacking(self._client, rights.WORKER, catalog())
        refused = rights.sentence(self._client, rights.WORKER, found) if found else ""
        if refused and refused != self._refused:
            logger.error("%s", refused)
        elif self._refused and not refused:
            logger.info("the Redis user has all rights again")
        self._rest(refused)
        self._refused = refused
        self._looked_at, self._refusals = monotonic(), refusals

    def _rest(self, refused: str) -> None:
        """What it takes now it could not finish. The rest ends by itself, should no further beat come."""
        if (refused or self._refused) and (reader := self.consumer.task_consumer) is not None:
            reader.channel.qos.rest(BEATS_OF_REST * self.interval_s if refused else 0)

    def _on_ready(self, **_: Any) -> None:
        self.run_step()

    @property
    def _client(self) -> Redis:
        return redis_client(self.consumer.app)

    def _beat(self) -> Beat:
        consumer, now = self.consumer, monotonic()
        pool = consumer.pool
        slot = pool if isinstance(pool, SlotPool) else None
        spec = slot.spec if slot else None
        queue = queue_of(spec.entry.name) if spec else FLOW_QUEUE
        waiting = 0 if self._refused else health.waiting_in(self._client, queue)  # that may be what is refused
        state_now = _state_of(slot)
        if state_now != self._state:
            self._state, self._state_since = state_now, now
        busy_since, done = (slot.dispatcher.busy_since, slot.dispatcher.done_at) if slot else (None, None)
        stage = slot.watch.slow_stage() if slot else None
        return Beat(
            worker=consumer.hostname,
            host=socket.gethostname(),
            pid=os.getpid(),
            model=spec.entry.name if spec else None,
            state=state_now,
            state_s=round(now - self._state_since, 1),
            child_alive=slot.flight.has_child if slot else True,
            busy_s=None if busy_since is None else round(now - busy_since, 1),
            done_s=None if done is None else round(now - done, 1),
            stall_s=spec.entry.stall_s if spec else None,
            waiting=waiting,
            stuck_s=round(self._stuck_s(waiting, slot, now), 1),
            failures=len(slot.failure_streak) if slot else 0,
            deaths=max(0, slot.supervisor.restarts.deaths) if slot else _deaths_in(pool),
            closed=slot.dispatcher.closed if slot else "",
            beat_s=self.interval_s,
            on_demand=slot is not None and slot.is_ready,
            machine=host_id(),
            refused=self._refused,
            stage=stage.words if stage else "",
            stage_s=round(stage.seconds, 1) if stage else 0.0,
            store=consumer.controller.setup.store_id,
            version=__version__,
            reads=consumer.task_consumer.consuming_from(queue),
        )

    def _stuck_s(self, waiting: int, slot: SlotPool | None, now: float) -> float:
        """Seconds in which nothing began and nothing runs, although messages wait."""
        begun = begun_count()
        has_work = (waiting > 0 or has_reserved()) and not (slot and slot.dispatcher.is_paused)
        is_waiting = bool(limited_requests(self.consumer))  # for its turn, by Celery's `rate_limit`
        is_idle = (
            not has_active() and not is_waiting and (slot is None or (slot.is_ready and not slot.dispatcher.operation))
        )
        if begun != self._count or not has_work or not is_idle:
            self._count, self._moved_at = begun, now
        return now - self._moved_at


def _deaths_in(pool: Any) -> int:
    return pool.deaths if isinstance(pool, FlowPool) else 0


def _state_of(slot: SlotPool | None) -> str:
    if slot is None:
        return "running"
    if slot.supervisor.recycling.is_reloading and not slot.supervisor.restarts.failed_loads:
        return health.RECYCLING
    return "busy" if slot.dispatcher.busy_since is not None else str(slot.supervisor.state)
