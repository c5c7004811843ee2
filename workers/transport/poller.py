"""Kombu's poller, for a worker that reads by lease without Celery's event loop (kombu's `drain_events`).

With an event loop the channels step by timers (`channel.py`), and this only watches sockets.
"""

from __future__ import annotations

import contextlib
from queue import Empty
from typing import Any

from kombu.transport import redis as kombu_redis

POLL_S = 0.2
"""How often the lists that no peek watches are looked at: lower priorities, further queues."""


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

    def _step(self) -> int:
        return sum(channel.step() for channel in tuple(self._channels))
