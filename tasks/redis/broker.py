"""A plain client of the broker's Redis, and the error messages about it.

Producers and commands use the client; workers use Celery's connections, but the same
messages. A client connects when it is first used. No message shows a password.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tasks.errors import BrokerUnavailable
from tasks.settings import settings

if TYPE_CHECKING:
    from redis import Redis

OLDEST_REDIS = (6, 2)
"""The first version with BLMOVE (used to wait for messages), RPOP with a count and ZRANGE BYSCORE."""

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 20.0


def shown(url: str) -> str:
    """The URL without its password, for messages."""
    from kombu.utils.url import maybe_sanitize_url

    return str(maybe_sanitize_url(url))


def client(url: str) -> Redis:
    """A client of the broker's database that returns bytes; connects when it is first used.

    It retries once and at once, because a pooled connection is closed after Redis was
    restarted. A caller that can wait longer must retry itself.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    if url.startswith("redis://"):
        return Redis.from_url(
            url,
            socket_timeout=ANSWER_LIMIT_S,
            socket_connect_timeout=CONNECT_LIMIT_S,
            retry=Retry(NoBackoff(), 1),
        )
    # Celery itself reads URLs for TLS, sockets and Sentinel.
    from celery import Celery

    app = Celery("slotline-broker", backend=url, set_as_current=False)
    if url.startswith("sentinel://"):
        app.conf.result_backend_transport_options = {"master_name": settings().sentinel_master}
    found: Redis = app.backend.client
    return found


@contextlib.contextmanager
def speaking(url: str) -> Iterator[None]:
    """Turn errors of a Redis that does not answer into `BrokerUnavailable`, whose message suggests a solution."""
    import redis

    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError) as exc:
        raise unavailable(url, exc) from exc


@contextlib.contextmanager
def connected(url: str) -> Iterator[Redis]:
    """A client of the broker's database, closed at the end; raises `BrokerUnavailable` if Redis does not answer."""
    with speaking(url), contextlib.closing(client(url)) as found:
        yield found


def check_version(client: Redis) -> None:
    """Raise `BrokerUnavailable` if the server is too old for slotline's scripts."""
    found: Any = client.info("server")
    version = str(found["redis_version"])
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        raise BrokerUnavailable(f"CELERY_BROKER_URL: slotline needs Redis {oldest} or newer, this one is {version}")


def unavailable(url: str, exc: Exception) -> BrokerUnavailable:
    """The error for a broker that does not answer."""
    # The address is removed from redis-py's message: it is in this one already.
    words = re.sub(r"^Error \S+ connecting to \S+ ", "", " ".join(str(exc).split())).rstrip(".") or type(exc).__name__
    return BrokerUnavailable(
        f"no Redis answers at {shown(url)} ({words}): start one with `slotline up`, or set CELERY_BROKER_URL"
    )
