"""A line to a TCP server on which a test makes faults of a network that refuses nobody and closes nothing.

Silent: what is sent waits, and is carried when the line speaks again. Swallowing: what is sent over
the connections that are open now is lost, one way or both, for as long as they live, their end
too; new connections work. Where the server refuses connections, so does the line.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65536
LOOK_S = 0.05


class Proxy:
    """Listens on a free port of 127.0.0.1 while it is entered; `url` is `target`'s through it."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        self.url = urlunsplit(parts._replace(netloc=f"127.0.0.1:{self._address[1]}"))
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._swallowed: set[socket.socket] = set()
        """Ends from which nothing is carried on."""
        self._lock = threading.Lock()
        self._speaks = threading.Event()
        self._speaks.set()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def silence(self) -> None:
        """Carry nothing, in neither direction, until `speak`."""
        self._speaks.clear()

    def speak(self) -> None:
        """Carry on, with all that has waited."""
        self._speaks.set()

    def swallow(self, to_server: bool = True, to_client: bool = True) -> int:
        """Lose what is sent over the connections that are open now, these ways. How many connections they are."""
        with self._lock:
            for client in self._clients:
                self._swallowed |= {client} if to_server else set()
                self._swallowed |= {self._peers[client]} if to_client else set()
            return len(self._clients)

    def clients_of_server(self) -> set[str]:
        """The addresses from which the server is connected to, as its CLIENT LIST has them."""
        with self._lock:
            return {":".join(map(str, self._peers[near].getsockname())) for near in self._clients}

    def __enter__(self) -> Self:
        assert self._listener is not None
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends = True
        self._speaks.set()
        self._thread.join(5)
        for end in (*([self._listener] if self._listener else []), *self._peers):
            end.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._ends:
            self._look_for_server()
            for key, _ in self._selector.select(LOOK_S):
                self._speaks.wait()
                end = key.fileobj
                assert isinstance(end, socket.socket)
                with self._lock:
                    if end is self._listener:
                        self._accept(end)
                    elif end in self._peers:
                        self._carry(end)

    def _look_for_server(self) -> None:
        """Listen again when the server does."""
        if self._listener is None:
            with contextlib.suppress(OSError):
                socket.create_connection(self._target).close()
                self._listener = socket.create_server(self._address)
                self._selector.register(self._listener, selectors.EVENT_READ)

    def _accept(self, listener: socket.socket) -> None:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(self._target)
        except OSError:  # the server is not there: refuse others, too
            near.close()
            self._selector.unregister(listener)
            listener.close()
            self._listener = None
            return
        self._peers |= {near: far, far: near}
        self._clients.add(near)
        for end in (near, far):
            self._selector.register(end, selectors.EVENT_READ)

    def _carry(self, end: socket.socket) -> None:
        data, peer = b"", self._peers[end]
        is_swallowed = end in self._swallowed
        with contextlib.suppress(OSError):
            data = end.recv(CHUNK_BYTES)
            if not is_swallowed:
                peer.sendall(data)
        if data:
            return
        self._close(end)
        if is_swallowed and peer in self._peers:
            # The other one does not hear of it, and is heard by nobody any more.
            self._swallowed.add(peer)
        elif peer in self._peers:
            self._close(peer)

    def _close(self, end: socket.socket) -> None:
        self._selector.unregister(end)
        self._peers.pop(end)
        self._clients.discard(end)
        self._swallowed.discard(end)
        end.close()
