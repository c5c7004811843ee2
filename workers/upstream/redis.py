"""How a child waits while Redis is away: its commands are tried again, for a minute and a half.

For children alone: a parent's event loop must not wait. Every script of the ledger may be
sent twice (each head says so), so a command whose answer was lost is simply sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

PATIENCE_S = 90.0
PAUSE_S = 0.25
ANSWER_LIMIT_S = 20.0
CONNECT_LIMIT_S = 5.0


class Patience(Retry):
    """redis-py's retry, limited by time: it nests retries in retries, so a count would multiply."""

    def __init__(self, patience_s: float = PATIENCE_S, pause_s: float = PAUSE_S) -> None:
        super().__init__(ConstantBackoff(pause_s), -1, (RedisConnectionError, RedisTimeoutError, TimeoutError))
        self._patience_s = patience_s

    def call_with_retry(
        self,
        do: Callable[[], Any],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> Any:
        """`do()`, again until it succeeds; raises its last error when the first is `patience_s` old."""
        first_failed_s: list[float] = []

        def is_worth_it(error: Exception) -> bool:
            if not first_failed_s:
                first_failed_s.append(time.monotonic())
            is_in_time = time.monotonic() - first_failed_s[0] < self._patience_s
            return is_in_time and (is_retryable is None or is_retryable(error))

        return super().call_with_retry(do, fail, is_worth_it, with_failure_count)


def be_patient(app: Celery) -> None:
    """Give this child process's Redis client (ledger and results) patience; to be called before it is first used."""
    limits = app.backend.client.connection_pool.connection_kwargs
    limits["retry"] = Patience()
    limits["socket_timeout"] = min(limits.get("socket_timeout") or ANSWER_LIMIT_S, ANSWER_LIMIT_S)
    if "host" in limits:
        limits["socket_connect_timeout"] = min(limits.get("socket_connect_timeout") or CONNECT_LIMIT_S, CONNECT_LIMIT_S)
