"""What one worker at a time does for all: who that is, and the lists in Redis that have no end of their own.

Sends nothing and changes no job; `workers/duties/sweep.py` says when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.flow.ledger.limits import ttl_ms
from tasks.redis import keys
from tasks.redis.scripts import Scripts

if TYPE_CHECKING:
    from redis import Redis

REPLY_QUEUES = "*.reply.celery.pidbox"
"""Celery makes one for each client that asked workers something, and gives it no time to live."""

REPLY_QUEUE_TTL_S = 3600


class Upkeep:
    """The steps of one pass; each is bounded, and may be done twice at once."""

    def __init__(self, client: Redis, scripts: Scripts) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»
        self._scripts = scripts

    def is_sweeper(self, token: str, term_ms: int) -> bool:
        """Whether the worker of this token sweeps, for `term_ms` from now on; True for one worker at a time."""
        return self.has_turn(keys.SWEEPER, token, term_ms)

    def has_turn(self, key: str, token: str, term_ms: int) -> bool:
        """Whether the worker of this token does what `key` stands for, for `term_ms` from now on; one at a time."""
        return bool(self._scripts.run("turn", [key], [token, term_ms]))

    def end_turn(self, key: str, token: str) -> None:
        """The worker of this token ends; another one may do what `key` stands for at once."""
        if self._redis.get(key) == token.encode():
            self._redis.delete(key)

    def oldest_ms(self) -> int:
        """What ended before this is forgotten; ms since 1970 by Redis' clock."""
        seconds, _ = self._redis.time()
        return int(seconds) * 1000 - ttl_ms()

    def trim_failed(self, oldest_ms: int) -> int:
        """Forget parts that failed before `oldest_ms`; how many."""
        return int(self._redis.zremrangebyscore(keys.FAILED, "-inf", oldest_ms))

    def trim_jobs(self, limit: int) -> int:
        """Take the oldest jobs whose record has expired off the listing; how many of `limit` were."""
        ids = [raw.decode() for raw in self._redis.zrange(keys.JOBS, 0, limit - 1)]
        gone = [job_id for job_id in ids if not self._redis.exists(keys.job(job_id))]
        if gone:
            self._redis.zrem(keys.JOBS, *gone)
        return len(gone)

    def expire_reply_queues(self, cursor: int, limit: int) -> int:
        """Give Celery's forgotten reply queues a time to live: look at about `limit` keys from `cursor` on.

        Returns the cursor of the next call; 0 begins again.
        """
        following, found = self._redis.scan(cursor, match=REPLY_QUEUES, count=limit)
        for name in found:
            if self._redis.ttl(name) == -1:
                self._redis.expire(name, REPLY_QUEUE_TTL_S)
        return int(following)
