"""redis-py's private parts: how often a command is tried again, and how long a client waits for an answer.

For a worker's child a command is tried again for a minute and a half while Redis does not answer; a
parent's event loop must not wait so long. Every script of the ledger may be sent twice (each
head says so), so a command whose answer was lost is simply sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from redis import Redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from workers.upstream.redis_sockets import HangUpRetry, note_alone

RETRY_S = 90.0
PAUSE_S = 0.25


class TimedRetry(HangUpRetry):
    """redis-py's retry, limited by time: it nests retries in retries, so a count would multiply."""

    def __init__(self, limit_s: float = RETRY_S, pause_s: float = PAUSE_S) -> None:
        super().__init__(ConstantBackoff(pause_s), -1, (RedisConnectionError, RedisTimeoutError, TimeoutError))
        self._limit_s = limit_s

    def call_with_retry(
        self,
        do: Callable[[], Any],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> Any:
        """`do()`, again until it succeeds; raises its last error when the first is `limit_s` old."""
        first_failed_s: list[float] = []

        def is_worth_it(error: Exception) -> bool:
            if not first_failed_s:
                first_failed_s.append(time.monotonic())
            is_in_time = time.monotonic() - first_failed_s[0] < self._limit_s
            return is_in_time and (is_retryable is None or is_retryable(error))

        return super().call_with_retry(do, fail, is_worth_it, with_failure_count)


def wait_for_redis(app: Celery) -> None:
    """Have this child's Redis client (ledger and results) wait for a Redis that does not answer; call it first."""
    app.backend.client.connection_pool.connection_kwargs["retry"] = TimedRetry()


def answer_within(client: Redis, limit_s: float) -> None:
    """Have the client wait at most so long for a connection or an answer; call it before its first use.

    One more try, at once, where the connection was cut; not where the time is over.
    """
    _limit(client.connection_pool, limit_s)
    client.connection_pool.connection_kwargs["retry"] = Retry(NoBackoff(), 1, (RedisConnectionError,))


def lasting_client(pool: Any, limit_s: float | None) -> Redis:
    """A client over kombu's connection pool that waits as long as the pool says, and at most `limit_s`, where given.

    One more try, at once, because a connection in the pool may have been cut; the caller tries again later.
    """
    if limit_s is not None:
        _limit(pool, limit_s)
    pool.connection_kwargs["retry"] = Retry(NoBackoff(), 1)
    return Redis(connection_pool=pool)


def _limit(pool: Any, limit_s: float) -> None:
    """No longer than this, and not longer than the pool's own options say; then that says nothing of others."""
    limits = pool.connection_kwargs
    limits["redis_connect_func"] = note_alone
    for limit in ("socket_timeout", "socket_connect_timeout"):
        limits[limit] = min(limits.get(limit) or limit_s, limit_s)
