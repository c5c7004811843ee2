"""Hears that a task's final result was stored, as soon as it was: whoever stores one publishes it on a channel.

It ends a pause between two looks early, and decides nothing: a message may be lost with its connection, and a user or
a proxy may have no channels. Then it is only a pause. Reads no result.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from tasks.redis import keys
from tasks.terminal import interrupt

if TYPE_CHECKING:
    from redis import Redis

OPEN = frozenset({"PENDING", "STARTED", "PROGRESS", "RETRY"})


class ResultNews:
    """The channel of one task's result, on a connection of its own from the first `wait` to `close`.

    `client` gives the client of the broker's database.
    """

    def __init__(self, client: Callable[[], Redis], task_id: str) -> None:
        self._client = client
        self._key = keys.RESULT_PREFIX + task_id
        self._heard: Any = None  # redis-py's PubSub; its methods carry no types

    def wait(self, limit_s: float) -> None:
        """Wait until a final result was published, or `limit_s` is over.

        The first call only begins to listen: what was stored before nobody hears, so look once more after it.
        Raises `Interrupted` as soon as a stop signal comes.
        """
        from redis import RedisError

        ends_s = time.monotonic() + limit_s
        try:
            has_news = interrupt.call(partial(self._listen, ends_s))
        except (RedisError, OSError):
            self.close()
            has_news = False
        if not has_news:
            interrupt.pause(max(0.0, ends_s - time.monotonic()))

    def close(self) -> None:
        """Give the connection up; the next `wait` would begin anew."""
        heard, self._heard = self._heard, None
        if heard is not None:
            heard.close()

    def _listen(self, ends_s: float) -> bool:
        if self._heard is None:
            client: Any = self._client()
            self._heard = client.pubsub()
            self._heard.subscribe(self._key)
            # Redis' answer: from now on nothing is missed.
            return self._heard.get_message(timeout=_left_s(ends_s)) is not None
        while (left_s := _left_s(ends_s)) > 0:
            message = self._heard.get_message(timeout=left_s)
            if message is not None and message["type"] == "message" and _is_final(message["data"]):
                return True
        return False


def _is_final(stored: bytes) -> bool:
    """Whether a published entry is one that Celery never changes; what is not readable is worth a look."""
    try:
        return json.loads(stored)["status"] not in OPEN
    except (ValueError, TypeError, KeyError):
        return True


def _left_s(ends_s: float) -> float:
    return max(0.0, ends_s - time.monotonic())
