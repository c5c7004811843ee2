"""redis-py's sockets: this process notes each that it opens, so that it can hang up on a network that is silent.

Who hangs up ends all waiting on these sockets, in every thread: it gets an error at once, and the
next command connects anew. A command that waited in vain for its time limit does so itself: what
was connected before it was sent is as dead, and would cost a time limit each. Decides nothing else.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

_opened_s: weakref.WeakKeyDictionary[socket.socket, float] = weakref.WeakKeyDictionary()
_noting = threading.Lock()


def noted(connecting: dict[str, Any]) -> dict[str, Any]:
    """Arguments of connections, such that this process notes their sockets."""
    return {**connecting, "redis_connect_func": note}


def hang_up(opened_before_s: float = float("inf")) -> None:
    """End all waiting on the noted sockets (those opened before this time of the monotonic clock), from any thread.

    Each is closed later, by whoever uses it.
    """
    with _noting:
        sockets = [one for one, opened_s in _opened_s.items() if opened_s < opened_before_s]
    for one in sockets:
        with contextlib.suppress(OSError):  # closed already
            # The plain socket's: that of TLS would take the reader's state away.
            socket.socket.shutdown(one, socket.SHUT_RDWR)


def note(connection: Any) -> None:
    """redis-py calls it for each new socket in place of its own greeting, which follows here."""
    if type(connection.retry) is Retry:
        connection.retry = HangUpRetry.like(connection.retry)
    note_alone(connection)


def note_alone(connection: Any) -> None:
    """The same, of a client that waits for a shorter time than others: that it waited in vain says little."""
    with _noting:
        _opened_s[connection._get_socket()] = time.monotonic()
    connection.on_connect()


class HangUpRetry(Retry):
    """redis-py's retry; a time limit that ran out hangs up on whatever was connected before."""

    @classmethod
    def like(cls, other: Retry) -> HangUpRetry:
        """One that tries as often as another."""
        return cls(other._backoff, other._retries, other._supported_errors)

    def call_with_retry(
        self,
        do: Callable[[], Any],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> Any:
        """`do()`, again as often as this says."""

        def once() -> Any:
            began_s = time.monotonic()
            try:
                return do()
            except RedisTimeoutError:
                hang_up(opened_before_s=began_s)
                raise

        return super().call_with_retry(once, fail, is_retryable, with_failure_count)


def _forget_in_child() -> None:
    """A child must not end its parent's waiting; and the parent may have held the lock when it forked."""
    global _noting
    _noting = threading.Lock()
    _opened_s.clear()


os.register_at_fork(after_in_child=_forget_in_child)
