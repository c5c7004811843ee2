"""How a worker looks after its leases: renew those on what it holds, give back what Celery dropped, reclaim others'.

`Renewal` is one worker's, at one broker. `look` runs on the event loop, where alone it is
known which requests Celery still has; `renew` may run in a thread (`lease_step.py` does
so), so that leases live on while Celery waits to connect again. Only requests that existed
at the last look are renewed, and only while the pool's child lives.

The fence: a worker that could not renew for one lease kills its child itself, before it
does anything else, because by then another worker may run the same messages. It does not
do so while the server refuses every client: then no worker can take a message, and after the
server is back nothing is reclaimed for one lease (`reclaim.lua`), so that holders renew first.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from redis import BusyLoadingError, RedisError
from redis.sentinel import MasterNotFoundError

from tasks.settings import beat_s
from workers.transport.leases import Leases, steady_s

__all__ = ["GRACE_S", "Renewal", "message_keys_of", "server_refuses_all", "unwatched_s"]

logger = logging.getLogger(__name__)

GRACE_S = 1.0
"""A request that moves between Celery's lists is in none of them for a moment. After this time it was dropped."""

RECLAIM_BATCH = 100
RECLAIM_BATCHES = 10


def unwatched_s(lease_s: float) -> float:
    """After how long without any worker that renews or reclaims the leases of a living worker could end."""
    return lease_s - 1.5 * beat_s(lease_s)


def server_refuses_all(error: BaseException | None) -> bool:
    """Whether the server refuses every client. If nothing answers, it may be this host's network alone."""
    if isinstance(error, MasterNotFoundError):  # the Sentinels answer, and will soon name another master
        return "Timeout" not in str(error)
    while error is not None:
        if isinstance(error, (ConnectionRefusedError, FileNotFoundError, BusyLoadingError)):
            return True
        error = error.__cause__ or error.__context__
    return False


def message_keys_of(requests: Iterable[Any]) -> set[str]:
    """The keys of the messages behind Celery's requests."""
    return {request.message.delivery_tag for request in requests}


class Renewal:
    """One worker's leases at one broker. `now` is any clock that only goes forward, in seconds."""

    def __init__(
        self,
        leases: Leases,
        existing: Callable[[], set[str]],
        child_is_alive: Callable[[], bool] = lambda: True,
        kill_child: Callable[[], None] = lambda: None,
        now: Callable[[], float] = steady_s,
    ) -> None:
        self.leases = leases
        self._existing = existing
        self._child_is_alive = child_is_alive
        self._kill_child = kill_child
        self._now = now
        self._dropped_since: dict[str, float] = {}
        self._lost: set[str] = set()
        self._renewed_at = now()
        self._server_refuses_all = False

    def step(self) -> None:
        """Look, then renew. Raises redis-py's errors; the next step then does what this one could not."""
        self.look()
        self.renew()

    def look(self, grace_s: float = GRACE_S) -> None:
        """On the event loop: a message without a request is not renewed any more, and given back after `grace_s`."""
        now, existing = self._now(), self._existing()
        absent = [key for key in self.leases.held_keys() if key not in existing]
        self._dropped_since = {key: self._dropped_since.get(key, now) for key in absent}
        dropped = [key for key in absent if now - self._dropped_since[key] >= grace_s]
        if dropped:
            logger.info("%d messages that this worker dropped go back to their queues", len(dropped))
            self.leases.give_back(dropped)

    def renew(self) -> None:
        """Renew, send what was not sent yet, reclaim; where it is too late for that, the fence. In one thread only."""
        if self.fence_if_late():
            return
        try:
            self._renew_held()
            self.leases.flush()
            self._reclaim()
        except RedisError as exc:
            self._server_refuses_all = server_refuses_all(exc)
            self.fence_if_late()
            raise
        # The process may have been frozen between its question and the answer.
        self.fence_if_late()

    def fence_if_late(self) -> bool:
        """The fence alone, for a worker that must not renew. Whether it was due."""
        late_s = self._now() - self._renewed_at
        if late_s <= self.leases.lease_s or self._server_refuses_all:
            return False
        self._fence(late_s)
        return True

    def finish(self) -> None:
        """The worker ends and nothing runs any more: all messages that it holds go back to the front."""
        self.leases.give_back(self.leases.held_keys())
        self.leases.flush()

    def _renew_held(self) -> None:
        asked, last = self._now(), self._renewed_at
        held = self.leases.held_keys()
        self._lost.intersection_update(held)
        dropped = self._dropped_since
        wanted = [key for key in held if key not in dropped and key not in self._lost]
        lost = self.leases.renew(wanted) if self._child_is_alive() else set()
        self._renewed_at, self._server_refuses_all = asked, False
        # What is not held any more was acknowledged by another thread in between.
        for key in lost.intersection(self.leases.held_keys()):
            self._lost.add(key)
            logger.warning("the lease on message %s has ended: another worker may run it as well", key)
        if lost and self._now() - last > self.leases.lease_s:
            self._fence(self._now() - last)

    def _fence(self, late_s: float) -> None:
        """Kill the child. Its requests end with it and are given back, except those that another worker has by now."""
        if self.leases.count and self._child_is_alive():
            self._kill_child()
            logger.warning(
                "no lease was renewed for %.1f s: the child is killed, because others may run its work by now", late_s
            )
        self._renewed_at = self._now()

    def _reclaim(self) -> None:
        server = self.leases.server_id()
        holders: list[str] = []
        for _ in range(RECLAIM_BATCHES):
            batch = self.leases.reclaim(RECLAIM_BATCH, server, unwatched_s(self.leases.lease_s))
            holders += batch
            if len(batch) < RECLAIM_BATCH:
                break
        for holder, count in Counter(holders).items():
            logger.warning("%d messages of %s, whose lease has ended, go back to their queues", count, holder)
