"""The broker's Redis as a plain client, and the one sentence for each thing that can be wrong with it.

Producers and commands connect by it; workers use Celery's connections, and these sentences.
Opens no connection by itself, and never shows a password.
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
"""BLMOVE (the peek for messages), RPOP with a count and ZRANGE BYSCORE came with it."""

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 20.0


def shown(url: str) -> str:
    """The URL as people may see it: without its password."""
    from kombu.utils.url import maybe_sanitize_url

    return str(maybe_sanitize_url(url))


def client(url: str) -> Redis:
    """A client of the broker's database that answers in bytes; connects when first used.

    One immediate retry: a pooled connection is stale after Redis was restarted. Callers
    that can wait longer do so themselves.
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
    # TLS, socket and Sentinel URLs are read as Celery reads them.
    from celery import Celery

    app = Celery("slotline-broker", backend=url, set_as_current=False)
    if url.startswith("sentinel://"):
        app.conf.result_backend_transport_options = {"master_name": settings().sentinel_master}
    found: Redis = app.backend.client
    return found


@contextlib.contextmanager
def speaking(url: str) -> Iterator[None]:
    """Turn «Redis does not answer» into `BrokerUnavailable`, one line that offers a way out."""
    import redis

    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError) as exc:
        raise unavailable(url, exc) from exc


@contextlib.contextmanager
def connected(url: str) -> Iterator[Redis]:
    """A client of the broker's database, closed at the end; a Redis that does not answer is `BrokerUnavailable`."""
    with speaking(url), contextlib.closing(client(url)) as found:
        yield found


def check_version(client: Redis) -> None:
    """Raise `BrokerUnavailable` when the server is older than slotline's scripts need."""
    found: Any = client.info("server")
    version = str(found["redis_version"])
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        raise BrokerUnavailable(f"CELERY_BROKER_URL: slotline needs Redis {oldest} or newer, this one is {version}")


def unavailable(url: str, exc: Exception) -> BrokerUnavailable:
    """The one sentence about a broker that does not answer."""
    # redis-py repeats the address, which stands here already.
    words = re.sub(r"^Error \S+ connecting to \S+ ", "", " ".join(str(exc).split())).rstrip(".") or type(exc).__name__
    return BrokerUnavailable(
        f"no Redis answers at {shown(url)} ({words}): start one with `slotline up`, or set CELERY_BROKER_URL"
    )
