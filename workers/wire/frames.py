"""Values over a socket between two processes of one slot worker: each a frame, its length and its pickle.

Only processes that one worker has forked share such a socket, so the other end is trusted. Guarantees: frames arrive
whole and in order; a value that cannot be pickled is refused before anything is sent; what was sent before a process
died can still be received.
"""

from __future__ import annotations

import pickle
import select
import socket
import struct
import threading
from collections.abc import Iterable
from typing import Any

from workers.wire.link import LinkClosed

HEADER = struct.Struct("<Q")
CHUNK_BYTES = 1 << 18


def packed(value: Any) -> bytes:
    """The value as a frame; raises what pickling raises."""
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


class FrameLink:
    """One end of the socket. Any thread may send; only one thread receives."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._received = bytearray()
        self._sending = threading.Lock()

    def fileno(self) -> int:
        """The descriptor to wait on, -1 once closed."""
        return self._end.fileno()

    def close(self) -> None:
        """Close this end; may be called twice."""
        self._end.close()

    def send(self, value: Any) -> None:
        """Send one value; raises `LinkClosed`, also if the other process does not read for long."""
        self.send_all([value])

    def send_all(self, values: Iterable[Any]) -> None:
        """Send values in one go; raises `LinkClosed`. After that error part of them may have been sent."""
        self.send_packed(b"".join(map(packed, values)))

    def send_packed(self, data: bytes | memoryview) -> None:
        """Send frames that `packed` has made; raises `LinkClosed`."""
        try:
            with self._sending:
                self._end.sendall(data)
        except OSError as exc:
            raise LinkClosed(str(exc) or type(exc).__name__) from exc

    def send_at_once(self, data: bytes) -> bytes | memoryview:
        """Send as much as there is room for, without waiting; returns the rest. Raises `LinkClosed`."""
        try:
            with self._sending:
                return memoryview(data)[self._end.send(data, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            return data
        except OSError as exc:
            raise LinkClosed(str(exc) or type(exc).__name__) from exc

    def receive(self) -> Any:
        """The next value, waiting for it; raises `LinkClosed` when the other end is closed and nothing is left."""
        while (body := self._next()) is None:
            self._read_some()
        return pickle.loads(body)

    def pending(self, wait_s: float = 0.0) -> list[Any]:
        """The values that have arrived, waiting up to `wait_s` seconds for the first bytes.

        Raises `LinkClosed` if there are none and the other end is closed.
        """
        found: list[Any] = []
        while self._is_readable(0.0 if found else wait_s):
            try:
                self._read_some()
            except LinkClosed:
                if found:
                    break
                raise
            wait_s = 0.0
            while (body := self._next()) is not None:
                found.append(pickle.loads(body))
        return found

    def _is_readable(self, wait_s: float) -> bool:
        if self._end.fileno() < 0:
            raise LinkClosed("closed")
        poller = select.poll()
        poller.register(self._end, select.POLLIN)
        return bool(poller.poll(wait_s * 1000))

    def _read_some(self) -> None:
        try:
            chunk = self._end.recv(CHUNK_BYTES)
        except OSError as exc:
            raise LinkClosed(str(exc)) from exc
        if not chunk:
            raise LinkClosed("the other end is closed")
        self._received += chunk

    def _next(self) -> bytes | None:
        """The pickle of the next whole frame; None if it has not arrived whole."""
        if len(self._received) < HEADER.size:
            return None
        (length,) = HEADER.unpack_from(self._received)
        if len(self._received) < HEADER.size + length:
            return None
        body = bytes(self._received[HEADER.size : HEADER.size + length])
        del self._received[: HEADER.size + length]
        return body


def frame_pair(parents_limit_s: float | None = None) -> tuple[FrameLink, FrameLink]:
    """Two ends; the first one's process gives up sending after `parents_limit_s`, if that is given."""
    one, other = socket.socketpair()
    one.settimeout(parents_limit_s)
    return FrameLink(one), FrameLink(other)
