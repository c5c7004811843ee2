"""Kombu's pollers, with what they need to notice a silent network, and to read by lease.

Of a worker that reads by lease without Celery's event loop (kombu's `drain_events`); with an event loop
the channels step by timers (`channel.py`), and this only watches sockets. Every peek has an answer within
`POLL_S`, so one that has none for longer than `socket_timeout` never gets it. A subscription (events,
remote control) may be quiet for long: it is asked with a PING.
"""

from __future__ import annotations

import contextlib
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import redis as kombu_redis
from redis import ConnectionError as RedisConnectionError

from workers.upstream.redis_sockets import hang_up

POLL_S = 0.2
"""How often the lists that no peek watches are looked at: lower priorities, further queues."""

LOOK_S = 0.5
"""How often the event loop looks for a peek without an answer."""

LISTEN_LOOK_S = 5.0
"""How often a subscription is looked at. Kombu's own time is that of its PING (`health_check_interval`), 25 s."""


class PlainPoller(kombu_redis.MultiChannelPoller):
    """Kombu's poller, which without an event loop (Flower has none) never asks whether a subscription still hears."""

    _looked_s = 0.0

    def get(self, callback: Any, timeout: float | None = None) -> None:
        """Deliver something or raise `Empty`; before that, see to the subscriptions."""
        if monotonic() - self._looked_s > LISTEN_LOOK_S:
            self._looked_s = monotonic()
            self.maybe_check_subclient_health()
        super().get(callback, timeout)


class LeasingPoller(kombu_redis.MultiChannelPoller):
    """Kombu's poller; without an event loop it lets the channels step before and after it waits."""

    def get(self, callback: Any, timeout: float | None = None) -> None:
        """Without an event loop: deliver something or raise `Empty` within about `POLL_S`."""
        self._in_protected_read = True
        try:
            if self._step():
                return
            self.on_poll_start()
            for fileno, event in self.poller.poll(POLL_S if timeout is None else min(timeout, POLL_S)) or ():
                # Only fan-out messages are delivered by reading; the peek's answer raises Empty.
                with contextlib.suppress(Empty):
                    self.handle_event(fileno, event)
                    return
            if not self._step():
                raise Empty
        finally:
            self._in_protected_read = False
            while self.after_read:
                self.after_read.pop()()

    def check_peeks(self) -> None:
        """Raise redis-py's `ConnectionError` if a peek's answer does not come: Celery then connects again.

        All other connections of this process are as old, and would each wait in vain for its time limit.
        """
        for channel in tuple(self._channels):
            if silent_s := channel.unanswered_s(monotonic()):
                hang_up(opened_before_s=monotonic() - silent_s)
                raise RedisConnectionError(f"Redis has not answered for {silent_s:.1f} s")

    def _step(self) -> int:
        return sum(channel.step() for channel in tuple(self._channels))
