"""Kombu's private parts: where it finds its transports, its event loop, and how its channels connect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kombu.asynchronous import get_event_loop
from kombu.transport import TRANSPORT_ALIASES, _transport_cache
from kombu.transport.redis import _socket_readable

from workers.upstream.redis_sockets import noted


def add_transports(paths: Mapping[str, str]) -> None:
    """Have kombu find a transport class (`module:class`) by each of these URL schemes."""
    TRANSPORT_ALIASES.update(paths)
    for scheme in paths:
        _transport_cache.pop(scheme, None)


def current_loop() -> Any:
    """The event loop of this worker's parent; None where Celery runs without one."""
    return get_event_loop()


def has_answer(connection: Any) -> bool:
    """Whether something to read has arrived on this connection of redis-py's, or it is closed. Reads nothing."""
    return connection._sock is None or bool(_socket_readable(connection._sock))


class NotedSockets:
    """For a Redis channel: this process notes the sockets of all its connections (`hang_up`)."""

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        return noted(super()._connparams(asynchronous))  # type: ignore[misc]
