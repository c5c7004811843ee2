"""A plain client of the broker's Redis, and the error messages about it.

Producers and commands use the client; workers use Celery's connections, but the same
messages. A client connects when it is first used. No message shows a password.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tasks.errors import BrokerRefused, BrokerUnavailable, SlotlineError
from tasks.redis import refusals, rights, tls
from tasks.redis.options import RedisOptions
from tasks.settings import settings

if TYPE_CHECKING:
    from redis import Redis

OLDEST_REDIS = (6, 2)
"""The first version with BLMOVE (used to wait for messages), RPOP with a count and ZRANGE BYSCORE."""

START_ONE = "start one with `slotline up`, or set CELERY_BROKER_URL"


def shown(url: str) -> str:
    """The URL without its password, for messages."""
    from kombu.utils.url import maybe_sanitize_url

    return str(maybe_sanitize_url(url))


def options_for(url: str) -> RedisOptions:
    """The options of connections to `url`; name and password are for the broker of the settings alone."""
    chosen = settings()
    return chosen.redis_options if url == chosen.broker_url else chosen.redis_options.without_credentials()


def celery_settings(url: str) -> dict[str, Any]:
    """The settings of a Celery application whose broker and results are at `url`."""
    return options_for(url).for_celery(url, settings().sentinel_master)


def client(url: str) -> Redis:
    """A client of the broker's database that returns bytes; connects when it is first used.

    It retries once and at once, because a pooled connection is closed after Redis was
    restarted. A caller that can wait longer must retry itself.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options, retry = options_for(url), Retry(NoBackoff(), 1)
    if url.startswith(("redis://", "rediss://")):
        return Redis.from_url(options.url(url), **options.for_redis(url), retry=retry)
    # Celery itself reads URLs of sockets and Sentinels.
    from celery import Celery

    app = Celery("slotline-broker", set_as_current=False)
    app.conf.update(celery_settings(url))
    app.backend_cls = options.url(url)
    found: Redis = app.backend.client
    tcp = options.tcp() if url.startswith("sentinel://") else {}
    found.connection_pool.connection_kwargs.update(tcp, retry=retry)
    return found


@contextlib.contextmanager
def speaking(url: str, role: rights.Role = rights.PRODUCER) -> Iterator[None]:
    """Turn errors of a Redis that does not answer, or refuses, into `BrokerUnavailable` or `BrokerRefused`.

    Their messages name what is wrong, in one line; a missing right is one of those that `role` needs. Errors of a
    script or of a wrong call stay what they are.
    """
    import redis
    from kombu.exceptions import OperationalError

    try:
        yield
    except (redis.RedisError, OperationalError) as exc:
        if (error := named(url, exc, role)) is None:
            raise
        raise error from exc


@contextlib.contextmanager
def connected(url: str) -> Iterator[Redis]:
    """A checked client of the broker's database, closed at the end; raises what `speaking` raises."""
    with speaking(url), contextlib.closing(client(url)) as found:
        check_new(found)
        yield found


def check_new(client: Redis) -> None:
    """`check_server` by the first question of a client that `client` made: without an answer it is not asked again.

    A later question is: its connection may be one that the network has lost, and a new one works.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client.set_retry(Retry(NoBackoff(), 1, (redis.ConnectionError,)))
    try:
        check_server(client)
    finally:
        client.set_retry(Retry(NoBackoff(), 1))  # as `client` makes it


def check_server(client: Redis) -> None:
    """Raise `BrokerRefused` if the server is too old for slotline's scripts, or a Redis Cluster.

    Needs no right: HELLO is allowed to every user. A server that answers neither HELLO nor INFO is not checked.
    """
    version, mode = _version_and_mode(client)
    if mode == "cluster":
        raise BrokerRefused(f"CELERY_BROKER_URL: {refusals.CLUSTER}")
    if version and tuple(int(number) for number in version.split(".")[:2]) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        raise BrokerRefused(f"CELERY_BROKER_URL: slotline needs Redis {oldest} or newer, this one is {version}")


def version_of(client: Redis) -> str:
    """The server's version; empty where it may not be asked."""
    return _version_and_mode(client)[0]


def named(url: str, exc: BaseException, role: rights.Role = rights.PRODUCER) -> SlotlineError | None:
    """The error of one line for what redis-py or kombu raised; None if the server is not at fault."""
    import redis
    from kombu.exceptions import OperationalError

    if found := refusals.refusal(exc):
        line = f"Redis at {shown(url)}: {_missing(url, role, found.words) if found.lacks else found.words}"
        return BrokerUnavailable(line) if found.may_pass else BrokerRefused(line)
    if isinstance(exc, (redis.ConnectionError, redis.TimeoutError, OperationalError)):
        why = tls.mismatch(url)
        return BrokerRefused(f"Redis at {shown(url)}: {why}") if why else unavailable(url, exc)
    return None


def unavailable(url: str, exc: BaseException) -> BrokerUnavailable:
    """The error for a broker that does not answer."""
    # The address is removed from redis-py's message: it is in this one already.
    words = re.sub(r"^Error \S+ connecting to \S+ ", "", " ".join(str(exc).split())).rstrip(".") or type(exc).__name__
    chosen = settings()
    unknown = "" if chosen.broker_is_known or url != chosen.broker_url else "no broker is set, no stack runs here, and "
    return BrokerUnavailable(f"{unknown}no Redis answers at {shown(url)} ({words}): {START_ONE}")


def _missing(url: str, role: rights.Role, words: str) -> str:
    """Which rights are missing; just `words`, what Redis refused, where it refuses the look as well."""
    import redis

    from tasks.catalog import catalog

    try:
        with contextlib.closing(client(url)) as own:
            found = rights.lacking(own, role, catalog())
            return rights.sentence(own, role, found) if found else f"{words} ({rights.PAGE})"
    except (redis.RedisError, SlotlineError):
        return f"{words} ({rights.PAGE})"


def _version_and_mode(client: Any) -> tuple[str, str]:
    """What the server says about itself; empty where it may not be asked."""
    from redis.exceptions import NoPermissionError, ResponseError

    try:
        hello = client.execute_command("HELLO")
    except ResponseError:  # older than Redis 6, or the command is switched off
        try:
            info = client.info("server")
        except NoPermissionError:
            return "", ""
        return str(info["redis_version"]), str(info.get("redis_mode", ""))
    pairs = hello if isinstance(hello, dict) else dict(zip(hello[0::2], hello[1::2], strict=False))
    said = {_text(name): _text(value) for name, value in pairs.items()}
    return said.get("version", ""), said.get("mode", "")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
