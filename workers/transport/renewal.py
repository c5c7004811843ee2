"""The beat of a worker's leases: renew what it has in hand, give back what it dropped, reclaim what has ended.

`Renewal` is one worker's, at one broker. `look` belongs to the event loop, which alone
knows what Celery still has; `beat` may be called by a thread (`keeper.py` does), so that
leases live on while Celery waits to connect again. Only what existed at the last look is
renewed, and only while the pool's child lives.

The fence: a holder that could not renew for one lease kills its child itself, before it
does anything else, because by then another worker may run the same. It does not while
the server refuses everybody: then nobody can take a message, and after the server is back
nothing is reclaimed for one lease (`reclaim.lua`), so that holders renew first.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from redis import BusyLoadingError, RedisError
from redis.sentinel import MasterNotFoundError

from tasks.settings import beat_s
from workers.transport.leases import Leases, passing_s

__all__ = ["GRACE_S", "Renewal", "keys_of", "nobody_is_served", "unwatched_s"]

logger = logging.getLogger(__name__)

GRACE_S = 1.0
"""A request on its way between Celery's own lists is in none of them for a moment; longer than this, it was dropped."""

RECLAIM_BATCH = 100
RECLAIM_BATCHES = 10


def unwatched_s(lease_s: float) -> float:
    """How long nobody may look after the leases before a living holder's could end for that reason alone."""
    return lease_s - 1.5 * beat_s(lease_s)


def nobody_is_served(error: BaseException | None) -> bool:
    """Whether the server is away for everybody, as far as this worker can tell; silence may be its own network's."""
    if isinstance(error, MasterNotFoundError):  # the Sentinels answer: they are about to name another master
        return "Timeout" not in str(error)
    while error is not None:
        if isinstance(error, (ConnectionRefusedError, FileNotFoundError, BusyLoadingError)):
            return True
        error = error.__cause__ or error.__context__
    return False


def keys_of(requests: Iterable[Any]) -> set[str]:
    """The keys of the messages behind Celery's requests."""
    return {request.message.delivery_tag for request in requests}


class Renewal:
    """One worker's beat over its leases at one broker; `now` is any clock that only goes forward, in seconds."""

    def __init__(
        self,
        leases: Leases,
        existing: Callable[[], set[str]],
        child_is_alive: Callable[[], bool] = lambda: True,
        kill_child: Callable[[], None] = lambda: None,
        now: Callable[[], float] = passing_s,
    ) -> None:
        self.leases = leases
        self._existing = existing
        self._child_is_alive = child_is_alive
        self._kill_child = kill_child
        self._now = now
        self._dropped_since: dict[str, float] = {}
        self._lost: set[str] = set()
        self._renewed_at = now()
        self._is_excused = False

    def step(self) -> None:
        """A look and a beat; raises redis-py's errors, after which the next beat does what this one could not."""
        self.look()
        self.beat()

    def look(self, grace_s: float = GRACE_S) -> None:
        """On the event loop: what no request stands for is not renewed, and given back after `grace_s`."""
        now, existing = self._now(), self._existing()
        absent = [key for key in self.leases.in_hand() if key not in existing]
        self._dropped_since = {key: self._dropped_since.get(key, now) for key in absent}
        dropped = [key for key in absent if now - self._dropped_since[key] >= grace_s]
        if dropped:
            logger.info("%d messages that this worker dropped go back to their queues", len(dropped))
            self.leases.give_back(dropped)

    def beat(self) -> None:
        """Renew, send what is unsent, reclaim; or, too late for that, the fence. From any one thread."""
        if self.fence_if_late():
            return
        try:
            self._renew()
            self.leases.flush()
            self._reclaim()
        except RedisError as exc:
            self._is_excused = nobody_is_served(exc)
            self.fence_if_late()
            raise
        # It may have been frozen between its question and the answer.
        self.fence_if_late()

    def fence_if_late(self) -> bool:
        """The fence alone, for a worker that may not renew; whether it was due."""
        late_s = self._now() - self._renewed_at
        if late_s <= self.leases.lease_s or self._is_excused:
            return False
        self._fence(late_s)
        return True

    def finish(self) -> None:
        """The worker ends and nothing runs any more: everything in hand goes back to the front."""
        self.leases.give_back(self.leases.in_hand())
        self.leases.flush()

    def _renew(self) -> None:
        asked, last = self._now(), self._renewed_at
        in_hand = self.leases.in_hand()
        self._lost.intersection_update(in_hand)
        dropped = self._dropped_since
        wanted = [key for key in in_hand if key not in dropped and key not in self._lost]
        lost = self.leases.renew(wanted) if self._child_is_alive() else set()
        self._renewed_at, self._is_excused = asked, False
        # What is not in hand any more was acknowledged by another thread since we looked.
        for key in lost.intersection(self.leases.in_hand()):
            self._lost.add(key)
            logger.warning("the lease on message %s has ended: another worker may run it as well", key)
        if lost and self._now() - last > self.leases.lease_s:
            self._fence(self._now() - last)

    def _fence(self, late_s: float) -> None:
        """Kill the child first. Its requests end by its death, and are put back unless they are others' by now."""
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
