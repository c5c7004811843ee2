"""A line to Redis that is as long as a network: what is sent arrives later, in order, both ways.

    python -m benchmarks.far_redis HOST:PORT DELAY_S

It is a process of its own, which prints its port and runs until it is ended. It delays each piece by the same time,
as a network does: it does not limit how much is under way, and loses nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import socket
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import redis

from benchmarks.rig import ROOT

CHUNK_BYTES = 1 << 18
PR_SET_TIMERSLACK = 29


@contextlib.contextmanager
def far_redis(url: str, delay_s: float) -> Iterator[str]:
    """The URL of the same Redis, `delay_s` away each way, until the block ends."""
    parts = urlsplit(url)
    command = [sys.executable, "-m", "benchmarks.far_redis", f"{parts.hostname}:{parts.port}", str(delay_s)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield urlunsplit(parts._replace(netloc=f"127.0.0.1:{int(process.stdout.readline())}"))
        finally:
            process.terminate()


def round_trip_s(url: str) -> float:
    """The median time of a PING."""
    trips = []
    with redis.Redis.from_url(url) as client:
        for _ in range(200):
            began = time.monotonic()
            client.ping()
            trips.append(time.monotonic() - began)
    return statistics.median(trips)


class Way:
    """One direction of a connection: what was read, and when it is to arrive."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source = source
        self.target = target
        self.under_way: deque[tuple[float, bytes]] = deque()

    def read(self, arrives_at: float) -> bool:
        """Take what came; false at its end, which travels like the rest."""
        data = b""
        with contextlib.suppress(OSError):
            data = self.source.recv(CHUNK_BYTES)
        self.under_way.append((arrives_at, data))
        return bool(data)

    def deliver(self, now: float) -> None:
        """Hand on what is to arrive by now."""
        while self.under_way and self.under_way[0][0] <= now:
            _, data = self.under_way.popleft()
            with contextlib.suppress(OSError):
                if data:
                    self.target.sendall(data)
                else:
                    self.target.shutdown(socket.SHUT_WR)


class Line:
    """Carries all connections in one thread. A closed connection's sockets are closed when both ways have ended."""

    def __init__(self, target: tuple[str, int], delay_s: float) -> None:
        self._target = target
        self._delay_s = delay_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ways: dict[socket.socket, Way] = {}
        self._ended: list[Way] = []
        """Ways that nothing more is read from, but may still have something under way."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def run(self) -> None:
        """Carry for ever."""
        while True:
            self._step()

    def _step(self) -> None:
        both = [*self._ways.values(), *self._ended]
        next_at = min((way.under_way[0][0] for way in both if way.under_way), default=None)
        # select, because epoll waits for whole milliseconds.
        timeout_s = None if next_at is None else max(0.0, next_at - time.monotonic())
        readable, _, _ = select.select([self._listener, *self._ways], [], [], timeout_s)
        arrives_at = time.monotonic() + self._delay_s
        for end in readable:
            if end is self._listener:
                self._accept()
            elif not self._ways[end].read(arrives_at):
                self._ended.append(self._ways.pop(end))
        now = time.monotonic()
        for way in both:
            way.deliver(now)
        self._close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._target)
        except OSError:
            near.close()
            return
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ways |= {near: Way(near, far), far: Way(far, near)}

    def _close(self) -> None:
        """Close what both ways have ended of."""
        over = {way.source: way for way in self._ended if not way.under_way}
        for source, way in over.items():
            if way.target in over:
                source.close()
                self._ended.remove(way)


def main() -> None:
    """Carry until ended."""
    host, _, port = sys.argv[1].rpartition(":")
    with contextlib.suppress(OSError, AttributeError):  # Linux: else a wait of 0.5 ms takes 0.06 ms more
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    line = Line((host, int(port)), float(sys.argv[2]))
    print(line.port, flush=True)
    line.run()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
