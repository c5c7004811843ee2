"""The line between a slot worker's parent and its child: JSON messages over a socketpair.

A pair is made before each fork, so a replacement child has a line of its own. Carries
the child's states to the parent and the parent's questions to the child; never work or
results, which go through Celery's pool.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Self

CHUNK_BYTES = 65536


class LinkClosed(Exception):
    """The other end is gone."""


class Link:
    """One end of the line. Any thread may send; one thread reads."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._rest = b""
        self._sending = threading.Lock()

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        """Two ends; a process closes the one that it does not use."""
        one, other = socket.socketpair()
        return cls(one), cls(other)

    def fileno(self) -> int:
        """The descriptor to wait on, -1 once closed."""
        return self._end.fileno()

    def close(self) -> None:
        """Hang up; harmless when done twice."""
        self._end.close()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message whole; raises `LinkClosed`."""
        line = json.dumps(message, ensure_ascii=False).encode() + b"\n"
        try:
            with self._sending:
                self._end.sendall(line)
        except OSError as exc:
            raise LinkClosed(str(exc)) from exc

    def messages(self) -> Iterator[dict[str, Any]]:
        """All messages to come, waiting for each; ends when the other end is gone."""
        with contextlib.suppress(LinkClosed):
            while True:
                yield from self._received()

    def pending(self, wait_s: float = 0.0) -> list[dict[str, Any]]:
        """The messages that have come, waiting up to `wait_s` seconds for the first.

        Raises `LinkClosed` when there are none and the other end is gone.
        """
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + wait_s
        while self._is_readable(0.0 if found else max(0.0, deadline - time.monotonic())):
            try:
                found += self._received()
            except LinkClosed:
                if found:
                    break
                raise
            if not found and time.monotonic() >= deadline:
                break
        return found

    def _is_readable(self, wait_s: float) -> bool:
        if self._end.fileno() < 0:
            raise LinkClosed("closed")
        poller = select.poll()
        poller.register(self._end, select.POLLIN)
        return bool(poller.poll(wait_s * 1000))

    def _received(self) -> list[dict[str, Any]]:
        try:
            chunk = self._end.recv(CHUNK_BYTES)
        except OSError as exc:
            raise LinkClosed(str(exc)) from exc
        if not chunk:
            raise LinkClosed("the other end is gone")
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [json.loads(line) for line in lines]
