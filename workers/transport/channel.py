"""The leasing kombu transport: how a worker's consuming connection reads its queues.

A mixin over kombu's Redis transport (and over its Sentinel one), which keeps everything
of kombu's but the taking: the Lua reserve is the only pop, a blocking peek only wakes it,
acknowledgements gather and travel with the next reserve, and closing a channel gives back
nothing, because the leases belong to the process (`leases.py`), not to the connection.
Producers, events and results stay on plain Redis. What it takes from kombu is listed in
`workers/upstream/table.py`.

A peek watches one list: the one that the last message came from, since a slot gets the parts of jobs,
or single requests, for a while. The others are looked at every `POLL_S`.

An acknowledgement calls for a step, and so does the peek's answer (a message has come, or
`POLL_S` are over). The step runs in the same turn of the event loop, before the pool looks
for what to write to its child. It reserves, or only sends what was not sent yet.
While the prefetch is full there is neither peek nor reserve.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from queue import Empty
from time import monotonic
from typing import Any

import redis
from kombu.transport import redis as kombu_redis
from kombu.utils.json import loads
from redis.exceptions import ResponseError

from tasks import routing
from tasks.redis import keys
from tasks.redis.options import RedisOptions
from tasks.redis.refusals import words
from workers.transport.leases import Held, Leases, Share, leases_of_process
from workers.transport.poller import POLL_S
from workers.transport.qos import LeasingQoS
from workers.upstream.kombu import NotedSockets, has_answer
from workers.upstream.redis import lasting_client

logger = logging.getLogger(__name__)

HELD_BACK_S = 0.05
"""How soon a slot that left messages to idle slots looks again."""

REFUSED_S = 1.0
"""How soon a worker looks again after Redis refused a step: a right is missing, its memory is full, it is a replica."""

NOT_THE_MESSAGES_FAULT = (OSError, MemoryError, redis.RedisError)


class LeasingChannel(NotedSockets, kombu_redis.Channel):
    """A channel that reads by lease. `lease_s` and `fair_share` come from the transport options."""

    QoS = LeasingQoS
    lease_s = 30.0
    fair_share = 0.1
    socket_timeout = RedisOptions().socket_timeout
    _sentinel_manager: Any = None
    from_transport_options = (*kombu_redis.Channel.from_transport_options, "lease_s", "fair_share")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._receivers: dict[str, tuple[bool, Callable[[Any], Any]]] = {}
        self._step_is_called = False
        self._peek_fails = False
        self._is_held_back = self._is_paused = False
        self._is_refused = False
        self._watched = ""
        super().__init__(*args, **kwargs)
        # Kept, because a closed channel has no connection, and acknowledgements may still come.
        self._transport = self.connection
        self.brpop_timeout = POLL_S
        try:
            broker = self.connection.client.as_uri(include_password=True)
            self.leases: Leases = leases_of_process(broker, self._lasting_client, self.lease_s, self.fair_share)
        except BaseException:
            self.close()
            raise

    @property
    def hub(self) -> Any:
        """The event loop that this channel's connection is registered with, or None."""
        return self._transport.hub

    def step(self) -> int:
        """Reserve and deliver where there is room, else send what was not sent yet. How many were delivered."""
        if self.closed or not self.active_queues or not self.qos.can_consume():
            self.leases.flush()
            return 0
        queues = self._queue_cycle.consume(len(self.active_queues))
        batch = self.qos.shared_batch
        share = Share(keys.idle(queues[0]), batch, self.qos.loaded(), self.qos.default_word) if batch else None
        return self._deliver_all(self._reserve(queues, self.qos.can_consume_max_estimate(), share))

    def call_for_step(self) -> None:
        """Let the event loop step in this turn, once, also after this channel was closed."""
        if self._step_is_called or self.hub is None:
            return
        self._step_is_called = True
        # A timer that is due, because timers run before the pool's own tick: what a tick hands to the
        # pool after that would wait there for the next event.
        self.hub.timer.call_after(0, self._stepped)

    def _stepped(self) -> None:
        self._step_is_called = False
        try:
            self.step()
        except ResponseError as exc:
            if not self._is_refused:
                logger.error("no messages are taken, and none is acknowledged: %s", words(exc))
            self._is_refused = True
            self._rest()
        else:
            self._is_refused = False

    def _rest(self) -> None:
        """Redis refuses, and would refuse in the loop's next turn as well: look again later."""
        self.qos.rest(REFUSED_S)
        self.hub.timer.call_after(REFUSED_S, self.call_for_step)

    def basic_consume(
        self, queue: str, no_ack: bool, callback: Callable[[Any], Any], consumer_tag: str, **kwargs: Any
    ) -> Any:
        """Consume from `queue`; with `no_ack` a message is done when it is delivered."""
        if queue not in self._fanout_queues:
            self._receivers[queue] = (no_ack, callback)
            self.call_for_step()
        return super().basic_consume(queue, no_ack, callback, consumer_tag, **kwargs)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        """One message or None, also by lease."""
        for _, message in self._reserve([queue], 1):
            if no_ack:
                self.qos.ack(message.delivery_tag)
            return message
        return None

    def close(self) -> None:
        """Close; this process goes on holding its messages."""
        # The peek moves nothing, so its answer is not waited for.
        self._in_poll = None
        super().close()

    def _reserve(self, queues: Sequence[str], k: int, share: Share | None = None) -> list[tuple[str, Any]]:
        """Up to `k` messages with their queues; what cannot be read is set aside and logged."""
        lists = {self._q_for_pri(queue, step): queue for step in self.priority_steps for queue in queues}
        reserved = self.leases.reserve(list(lists), k, share)
        self._is_held_back, self._is_paused = reserved.held_back, reserved.paused
        self.qos.on_pause(reserved.paused)
        if reserved.taken:
            self._watched = min((held.queue_list for held in reserved.taken), key=routing.priority_of)
        if reserved.more:
            self.call_for_step()
        for refused in reserved.set_aside:
            logger.error("a message in %r is set aside: %s", _shown(refused.queue_list), refused.reason)
        found = [(lists[held.queue_list], self._message(held, lists[held.queue_list])) for held in reserved.taken]
        return [(queue, message) for queue, message in found if message is not None]

    def _message(self, held: Held, queue: str) -> Any:
        """The message, known by its key and its queue from here on; None when it cannot be read.

        What its sender wrote about the two is not used: a copy or a retry of it goes where it came from.
        """
        try:
            payload = _loads(held.message)
            properties = payload["properties"]
            properties["delivery_tag"] = held.key
            properties["delivery_info"].update(exchange="", routing_key=queue)
            properties["priority"] = routing.priority_of(held.queue_list)
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
        """In kombu's place for BRPOP: the peek, which wakes when the watched list has something and moves nothing."""
        is_ours = self._watched.split(routing.PRIORITY_SEPARATOR)[0] in self.active_queues
        watched = self._watched if is_ours else self._q_for_pri(self.active_queues[0], 0)
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        # A wait that needs no memory and moves nothing either. What lies in a paused queue would wake a peek at once.
        if self._peek_fails or self._is_held_back or self._is_paused:
            pause_s = HELD_BACK_S if self._is_held_back else POLL_S
            self.client.connection.send_command("BLPOP", keys.NOTHING, pause_s)
        else:
            self.client.connection.send_command("BLMOVE", watched, watched, "RIGHT", "RIGHT", POLL_S)

    def _brpop_read(self, **options: Any) -> None:
        """Read the peek's answer and call for a step. Always raises `Empty`: nothing was delivered."""
        try:
            self.client.parse_response(self.client.connection, "BLMOVE", **options)
        except ResponseError as exc:
            self._peek_is_refused(exc)
        except self.connection_errors:
            self.client.connection.disconnect()
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        self.call_for_step()
        raise Empty

    def _peek_is_refused(self, exc: ResponseError) -> None:
        """As on a full Redis, where reserving still works. If the pause instead of it is refused as well, it rests."""
        if not self._peek_fails:
            logger.warning("looking for messages only every %s s: %s", POLL_S, words(exc))
        else:
            self._rest()
        self._peek_fails = True

    def unanswered_s(self, now: float) -> float:
        """For how long the peek's answer is overdue by more than the time limit of any command; else 0."""
        waited_s = now - self._brpop_sent_at if self._in_poll else 0.0
        return waited_s if waited_s > POLL_S + self.socket_timeout and not has_answer(self._in_poll) else 0.0

    def _lasting_client(self, patience_s: float | None) -> redis.Redis:
        """A client that outlives this channel: same server, its own connections, and an answer or an error in time."""
        manager = self._sentinel_manager
        pool = self._get_pool()
        # This pool is not the channel's to close, and so neither are its Sentinels.
        self._sentinel_manager = manager
        return lasting_client(pool, patience_s)


def _loads(message: bytes) -> Any:
    """The message, decoded as kombu does it, whose types of its own need a look at each object; most have none."""
    text = message.decode()
    return loads(text) if '"__type__"' in text else json.loads(text)


def _shown(queue_list: str) -> str:
    return queue_list.split(routing.PRIORITY_SEPARATOR)[0]
