"""The leasing kombu transport: how a worker's consuming connection reads its queues.

A mixin over kombu's Redis transport (and over its Sentinel one), which keeps everything
of kombu's but the taking: the Lua reserve is the only pop, a blocking peek only wakes it,
acknowledgements gather and travel with the next reserve, and closing a channel gives back
nothing, because the leases belong to the process (`leases.py`), not to the connection.
Producers, events and results stay on plain Redis. Uses private parts of kombu 5.7: each
upgrade runs the fault tests.

A tick of the event loop, in order: `step` (reserve, or send what is unsent), then the
peek where there is room for more, then poll. While the prefetch is full there is neither
peek nor reserve.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from queue import Empty
from time import monotonic
from typing import Any

import redis
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from kombu.utils.json import loads
from redis.exceptions import ResponseError

from tasks import routing
from workers.transport import leases as leases_of
from workers.transport.leases import Held, Leases
from workers.transport.urls import plain_url

logger = logging.getLogger(__name__)

POLL_S = 0.2
"""How often the lists that no peek watches are looked at: lower priorities, further queues."""

RESERVE_AT_MOST = 256
"""Messages of one reserve where the prefetch is unlimited."""

ANSWER_LIMIT_S = 10.0
"""A server that takes longer than this over one script counts as gone."""

NOT_THE_MESSAGES_FAULT = (OSError, MemoryError, redis.RedisError)


class LeasingQoS(virtual.QoS):
    """The prefetch of one channel; what is in hand is counted by process, so a new connection counts the running.

    Restores nothing at exit: leases are given back or end.
    """

    restore_at_shutdown = False

    def __init__(self, channel: LeasingChannel, prefetch_count: int = 0) -> None:
        self.channel = channel
        self.prefetch_count = prefetch_count or 0
        self._delivered: dict[str, Any] = {}

    def can_consume(self) -> bool:
        """Whether another message may be taken. May be replaced from outside (readiness gate)."""
        return not self.prefetch_count or len(self.channel.leases) < self.prefetch_count

    def can_consume_max_estimate(self) -> int:
        """How many may be taken now."""
        if not self.prefetch_count:
            return RESERVE_AT_MOST
        return max(0, min(RESERVE_AT_MOST, self.prefetch_count - len(self.channel.leases)))

    def append(self, message: Any, delivery_tag: str) -> None:
        """Nothing: the reserve registered it."""

    def ack(self, delivery_tag: str) -> None:
        """Gather it; where no tick will come any more, send it."""
        self.channel.leases.ack(delivery_tag)
        self.channel.send_if_idle()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """To the front of its list, or away for good."""
        if requeue:
            self.channel.leases.give_back([delivery_tag])
        else:
            self.channel.leases.ack(delivery_tag)
        self.channel.send_if_idle()

    def restore_unacked(self) -> list[Any]:
        """Nothing: what still runs stays held, and what was dropped is given back by the renewal."""
        return []

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Nothing, for the same reason."""


class LeasingPoller(kombu_redis.MultiChannelPoller):
    """Kombu's poller, which lets every channel step before it waits."""

    def on_poll_start(self) -> None:
        """Once a tick of the event loop."""
        self.step()
        super().on_poll_start()

    def step(self) -> int:
        """Reserve and deliver for every channel; how many messages that brought."""
        return sum(channel.step() for channel in tuple(self._channels))

    def get(self, callback: Any, timeout: float | None = None) -> None:
        """Without an event loop: deliver something or raise `Empty` within about `POLL_S`."""
        self._in_protected_read = True
        try:
            if self.step():
                return
            super().on_poll_start()
            events = self.poller.poll(POLL_S if timeout is None else min(timeout, POLL_S))
            for fileno, event in events or ():
                self.handle_event(fileno, event)
            if not self.step():
                raise Empty
        finally:
            self._in_protected_read = False
            while self.after_read:
                self.after_read.pop()()


class LeasingChannel(kombu_redis.Channel):
    """A channel that reads by lease. `lease_s` comes from the transport options."""

    QoS = LeasingQoS
    lease_s = 30.0
    from_transport_options = (*kombu_redis.Channel.from_transport_options, "lease_s")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._receivers: dict[str, tuple[bool, Callable[[Any], Any]]] = {}
        self._looked_at = float("-inf")
        self._look_now = True
        self._peek_fails = False
        super().__init__(*args, **kwargs)
        self.brpop_timeout = POLL_S
        try:
            broker = self.connection.client.as_uri(include_password=True)
            self.leases: Leases = leases_of.of_process(broker, self._lasting_client, self.lease_s)
        except BaseException:
            self.close()
            raise

    def step(self) -> int:
        """One turn: reserve and deliver when it is time, else send what is unsent; how many were delivered."""
        now = monotonic()
        due = self._look_now or self.leases.has_unsent or now - self._looked_at >= POLL_S
        if due and self.active_queues and self.qos.can_consume():
            self._looked_at, self._look_now = now, False
            queues = self._queue_cycle.consume(len(self.active_queues))
            return self._deliver_all(self._reserve(queues, self.qos.can_consume_max_estimate()))
        self.leases.flush()
        return 0

    def send_if_idle(self) -> None:
        """Send what is unsent, where this channel consumes no more and so has no ticks; a lost connection keeps it."""
        if self.closed or not self._consumers:
            try:
                self.leases.flush()
            except redis.RedisError as exc:
                logger.debug("kept to be sent later: %s", exc)

    def basic_consume(
        self, queue: str, no_ack: bool, callback: Callable[[Any], Any], consumer_tag: str, **kwargs: Any
    ) -> Any:
        """Consume from `queue`; with `no_ack` a message is done when it is delivered."""
        if queue not in self._fanout_queues:
            self._receivers[queue] = (no_ack, callback)
            self._look_now = True
        return super().basic_consume(queue, no_ack, callback, consumer_tag, **kwargs)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        """One message or None, also by lease."""
        for _, message in self._reserve([queue], 1):
            if no_ack:
                self.qos.ack(message.delivery_tag)
            return message
        return None

    def close(self) -> None:
        """Close; what this process has in hand stays in its hand."""
        # The peek moves nothing, so nobody need wait for its answer.
        self._in_poll = None
        super().close()

    def _reserve(self, queues: Sequence[str], k: int) -> list[tuple[str, Any]]:
        """Up to `k` messages with their queues; what cannot be read is set aside and logged."""
        lists = {self._q_for_pri(queue, step): queue for step in self.priority_steps for queue in queues}
        reserved = self.leases.reserve(list(lists), k)
        self._look_now = self._look_now or reserved.more
        for refused in reserved.set_aside:
            logger.error("a message in %r is set aside: %s", _shown(refused.queue_list), refused.reason)
        found = [(lists[held.queue_list], self._message(held)) for held in reserved.taken]
        return [(queue, message) for queue, message in found if message is not None]

    def _message(self, held: Held) -> Any:
        """The message, known by its key from here on; None when it cannot be read."""
        try:
            payload = loads(held.message)
            payload["properties"]["delivery_tag"] = held.key
            return self.Message(payload, channel=self)
        except NOT_THE_MESSAGES_FAULT:
            raise
        except Exception as exc:
            self._set_aside(held.key, held.queue_list, exc)
            return None

    def _set_aside(self, key: str, queue: str, exc: Exception) -> None:
        """Out of the way: given back, it would be met again at once, and end this worker and the next."""
        reason = f"cannot be read: {type(exc).__name__}: {exc}"
        logger.error("message %s in %r is set aside: %s", key, _shown(queue), reason)
        self.leases.set_aside(key, reason)

    def _deliver_all(self, messages: list[tuple[str, Any]]) -> int:
        """Hand each to its consumer; if the connection breaks in between, the rest goes back to the front."""
        delivered = 0
        try:
            for queue, message in messages:
                delivered += 1
                self._deliver_one(queue, message)
        finally:
            self.leases.give_back(message.delivery_tag for _, message in messages[delivered:])
        if messages:
            self._queue_cycle.rotate(messages[-1][0])
        return delivered

    def _deliver_one(self, queue: str, message: Any) -> None:
        receiver = self._receivers.get(queue)
        if receiver is None:  # cancelled by a message before this one
            self.leases.give_back([message.delivery_tag])
            return
        no_ack, callback = receiver
        if no_ack:
            self.leases.ack(message.delivery_tag)
        try:
            callback(message)
        except NOT_THE_MESSAGES_FAULT:
            raise
        except Exception as exc:
            if message.acknowledged or no_ack:
                logger.exception("message %s failed while it was received", message.delivery_tag)
            else:
                self._set_aside(message.delivery_tag, queue, exc)

    def _basic_cancel(self, consumer_tag: str) -> Any:
        self._receivers.pop(self._tag_to_queue.get(consumer_tag, ""), None)
        return super()._basic_cancel(consumer_tag)

    def _brpop_start(self, timeout: float | None = None) -> None:
        """In kombu's place for BRPOP: the peek, which wakes when the first queue has something and moves nothing."""
        if self._peek_fails and monotonic() - self._looked_at < POLL_S:
            return
        first = self._q_for_pri(self.active_queues[0], 0)
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        self.client.connection.send_command("BLMOVE", first, first, "RIGHT", "RIGHT", POLL_S)

    def _brpop_read(self, **options: Any) -> None:
        """Read the peek's answer: the next step reserves at once. Always raises `Empty`: nothing was delivered."""
        try:
            answer = self.client.parse_response(self.client.connection, "BLMOVE", **options)
            self._look_now = self._look_now or answer is not None
            self._peek_fails = False
        except ResponseError as exc:  # as on a full Redis; the reserve goes on without a peek
            if not self._peek_fails:
                logger.warning("looking for messages every %s s only: %s", POLL_S, exc)
            self._peek_fails = True
        except self.connection_errors:
            self.client.connection.disconnect()
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        raise Empty

    def _lasting_client(self) -> redis.Redis:
        """A client that outlives this channel: same server, its own connections, and an answer or an error."""
        manager = self._sentinel_manager
        pool = self._get_pool()
        # This pool is not the channel's to close, and so neither are its Sentinels.
        self._sentinel_manager = manager
        for limit in ("socket_timeout", "socket_connect_timeout"):
            if pool.connection_kwargs.get(limit) is None:
                pool.connection_kwargs[limit] = ANSWER_LIMIT_S
        return redis.Redis(connection_pool=pool)


def _shown(queue_list: str) -> str:
    return queue_list.split(routing.PRIORITY_SEPARATOR)[0]


class LeasingSentinelChannel(LeasingChannel, kombu_redis.SentinelChannel):
    """The same, with the master asked of the Sentinels."""

    from_transport_options = (*kombu_redis.SentinelChannel.from_transport_options, "lease_s")

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = LeasingPoller()


class LeasingSentinelTransport(LeasingTransport, kombu_redis.SentinelTransport):
    """`slotline-sentinel://`."""

    Channel = LeasingSentinelChannel
