"""The kombu transports of a worker, which Celery finds by the scheme of a URL (`__init__.py` registers them).

Of each kind one over kombu's Redis transport, and one over its Sentinel one. How the leasing ones
read is `channel.py`'s. A worker sends by the plain ones, and Flower listens by them; they are kombu's
own, except that the process notes their sockets, and that they notice a subscription that hears nothing.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis as kombu_redis
from redis.exceptions import NoPermissionError

from workers.transport.channel import LeasingChannel
from workers.transport.poller import LISTEN_LOOK_S, LOOK_S, LeasingPoller, PlainPoller
from workers.transport.urls import plain_url
from workers.upstream.kombu import NotedSockets


class LeasingSentinelChannel(LeasingChannel, kombu_redis.SentinelChannel):
    """The same, with the master asked of the Sentinels."""

    from_transport_options = (*kombu_redis.SentinelChannel.from_transport_options, "lease_s", "fair_share")

    def _sentinel_managed_pool(self, asynchronous: bool = False) -> Any:
        # Kombu takes only URLs that say `sentinel://` for Sentinels.
        client = self.connection.client
        reading, client.alt = client.alt, [plain_url(url) for url in client.alt]
        try:
            return super()._sentinel_managed_pool(asynchronous)
        finally:
            client.alt = reading


class LeasingTransport(kombu_redis.Transport):
    """`slotline://`, `slotlines://` and `slotline+socket://`."""

    Channel = LeasingChannel
    connection_errors = (*kombu_redis.Transport.connection_errors, NoPermissionError)
    """A right that is missing while Celery connects may be given again: Celery tries again, and does not end."""
    hub: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = LeasingPoller()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Read from `loop`'s ticks from now on, and look for peeks without an answer."""
        self.hub = loop
        super().register_with_event_loop(connection, loop)
        # Celery cancels them when this connection is lost.
        loop.call_repeatedly(LOOK_S, self.cycle.check_peeks)
        loop.call_repeatedly(LISTEN_LOOK_S, self.cycle.maybe_check_subclient_health)


class LeasingSentinelTransport(LeasingTransport, kombu_redis.SentinelTransport):
    """`slotline-sentinel://`."""

    Channel = LeasingSentinelChannel


class PlainChannel(NotedSockets, kombu_redis.Channel):
    """Kombu's."""


class PlainSentinelChannel(NotedSockets, kombu_redis.SentinelChannel):
    """Kombu's, with the master asked of the Sentinels."""


class PlainTransport(kombu_redis.Transport):
    """`redis://`, `rediss://` and `redis+socket://`, in a process of `celery -A workers`."""

    Channel = PlainChannel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = PlainPoller()


class PlainSentinelTransport(PlainTransport, kombu_redis.SentinelTransport):
    """`sentinel://`, in the same."""

    Channel = PlainSentinelChannel
