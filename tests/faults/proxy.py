"""A line to a TCP server that a test can make silent: what is sent waits, nobody is refused, as on a cut network."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65536


class Proxy:
    """Listens on a free port of 127.0.0.1 while it is entered; `url` is `target`'s through it."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = urlunsplit(parts._replace(netloc=f"127.0.0.1:{self._listener.getsockname()[1]}"))
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, socket.socket] = {}
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

    def __enter__(self) -> Self:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends = True
        self._speaks.set()
        self._thread.join(5)
        for end in (self._listener, *self._peers):
            end.close()

    def _run(self) -> None:
        while not self._ends:
            for key, _ in self._selector.select(0.05):
                self._speaks.wait()
                end = key.fileobj
                assert isinstance(end, socket.socket)
                if end is self._listener:
                    self._accept()
                elif end in self._peers:
                    self._carry(end)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(self._target)
        self._peers |= {near: far, far: near}
        for end in (near, far):
            self._selector.register(end, selectors.EVENT_READ)

    def _carry(self, end: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = end.recv(CHUNK_BYTES)
            self._peers[end].sendall(data)
        if data:
            return
        for gone in (end, self._peers[end]):
            self._selector.unregister(gone)
            self._peers.pop(gone)
            gone.close()
