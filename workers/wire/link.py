"""The link between a slot worker's parent and its child: carries the messages of `messages.py` over a socket pair.

A pair is made before each fork, so each child has its own link. It carries the child's
states to the parent and the parent's questions to the child. Requests and results go through
Celery's pool instead. Guarantees: messages arrive whole and in order; a message that cannot be
read is logged with its name and dropped, and does not affect others.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from typing import Generic, TypeAlias, TypeVar

from workers.wire.messages import FROM_CHILD, FROM_PARENT, BadMessage, FromChild, FromParent, Readers, decode, encode
from workers.wire.socket_end import LinkClosed, SocketEnd

logger = logging.getLogger(__name__)

CHUNK_BYTES = 65536

SEND_LIMIT_S = 1.0
"""How long the parent tries to send: its event loop must not wait for a child that is stopped and reads nothing."""

Sent = TypeVar("Sent", bound=FromChild | FromParent)
Heard = TypeVar("Heard", bound=FromChild | FromParent)


class Link(SocketEnd, Generic[Sent, Heard]):
    """One end of the link. Any thread may send; only one thread reads. `readers` has the messages that may come."""

    def __init__(self, end: socket.socket, readers: Readers) -> None:
        super().__init__(end)
        self._readers = readers
        self._rest = b""

    def send(self, message: Sent) -> None:
        """Send one message whole; raises `LinkClosed`, also if the child does not read for long."""
        self._send_bytes(encode(message))

    def messages(self) -> Iterator[Heard]:
        """All messages, waiting for each; ends when the other end is closed."""
        with contextlib.suppress(LinkClosed):
            while True:
                yield from self._received()

    def pending(self, wait_s: float = 0.0) -> list[Heard]:
        """The messages that have arrived, waiting up to `wait_s` seconds for the first one.

        Raises `LinkClosed` if there are none and the other end is closed.
        """
        found: list[Heard] = []
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

    def _received(self) -> list[Heard]:
        chunk = self._receive_bytes(CHUNK_BYTES)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [message for line in lines for message in self._read(line)]

    def _read(self, line: bytes) -> list[Heard]:
        """The message of a line; an empty list if it cannot be read."""
        try:
            return [decode(line, self._readers)]
        except BadMessage as exc:
            logger.error("a message between parent and child is dropped: %s", exc)
            return []


ParentEnd: TypeAlias = Link[FromParent, FromChild]
ChildEnd: TypeAlias = Link[FromChild, FromParent]


def pair() -> tuple[ParentEnd, ChildEnd]:
    """The parent's end and the child's end; a process closes the end that it does not use."""
    parents, childs = socket.socketpair()
    parents.settimeout(SEND_LIMIT_S)  # it reads only what has arrived
    return Link(parents, FROM_CHILD), Link(childs, FROM_PARENT)
