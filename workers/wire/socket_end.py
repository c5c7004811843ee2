"""One end of a socket pair between two processes of a slot worker: what every line over it needs. Knows no messages."""

from __future__ import annotations

import select
import socket
import threading


class LinkClosed(Exception):
    """The other end is closed, or its process has died."""


class SocketEnd:
    """Any thread may send; only one thread reads. Each error of the socket is `LinkClosed`."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._sending = threading.Lock()

    def fileno(self) -> int:
        """The descriptor to wait on, -1 once closed."""
        return self._end.fileno()

    def close(self) -> None:
        """Close this end; may be called twice."""
        self._end.close()

    def _send_bytes(self, data: bytes | memoryview) -> None:
        try:
            with self._sending:
                self._end.sendall(data)
        except OSError as exc:
            raise LinkClosed(str(exc) or type(exc).__name__) from exc

    def _receive_bytes(self, at_most: int) -> bytes:
        """What has arrived, waiting for the first byte; raises `LinkClosed` at the end."""
        try:
            chunk = self._end.recv(at_most)
        except OSError as exc:
            raise LinkClosed(str(exc)) from exc
        if not chunk:
            raise LinkClosed("the other end is closed")
        return chunk

    def _is_readable(self, wait_s: float) -> bool:
        if self._end.fileno() < 0:
            raise LinkClosed("closed")
        poller = select.poll()
        poller.register(self._end, select.POLLIN)
        return bool(poller.poll(wait_s * 1000))
