"""Values over a socket between two processes of one slot worker: each a frame, its length and its pickle.

Only processes that one worker has forked share such a socket, so the other end is trusted. Large arrays stand in a
frame beside the pickle, so they are copied as seldom as possible (pickle's protocol 5). Guarantees: frames arrive
whole and in order; a value that cannot be pickled is refused before anything is sent; what was sent before a process
died can still be received.
"""

from __future__ import annotations

import pickle
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from workers.wire.socket_end import LinkClosed, SocketEnd

HEADER = struct.Struct("<QI")
"""The bytes that follow it, and how many arrays are among them. Those begin with the arrays' sizes, then the pickle."""

CHUNK_BYTES = 1 << 18

MOST_PARTS = 512
"""No more pieces are given to the kernel at once (Linux takes 1,024)."""


def packed(value: Any) -> bytes:
    """The value as a frame; raises what pickling raises."""
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body), 0) + body


def packed_parts(value: Any) -> list[bytes | memoryview]:
    """The value as a frame in pieces, its arrays not copied; raises what pickling raises."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(value, 5, buffer_callback=buffers.append)
    arrays = [buffer.raw() for buffer in buffers]
    sizes = struct.pack(f"<{len(arrays)}Q", *(array.nbytes for array in arrays))
    length = len(sizes) + len(body) + sum(array.nbytes for array in arrays)
    return [HEADER.pack(length, len(arrays)) + sizes + body, *arrays]


def _unpacked(payload: memoryview, count: int) -> Any:
    """The value of a frame's payload, which it keeps as the memory of its arrays."""
    sizes = struct.unpack_from(f"<{count}Q", payload)
    end = len(payload)
    buffers: list[memoryview] = []
    for size in reversed(sizes):
        buffers.insert(0, payload[end - size : end])
        end -= size
    return pickle.loads(payload[count * 8 : end], buffers=buffers)


class FrameLink(SocketEnd):
    """One end of the socket. Any thread may send; only one thread receives."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(end)
        self._received = bytearray()
        self._large: tuple[bytearray, int, int] | None = None
        """A frame larger than a chunk, which is read into its own memory: what is there, its size, its arrays."""

    def send(self, value: Any) -> None:
        """Send one value; raises `LinkClosed`, also if the other process does not read for long."""
        self.send_all([value])

    def send_all(self, values: Iterable[Any]) -> None:
        """Send values in one go; raises `LinkClosed`. After that error part of them may have been sent."""
        self.send_packed(b"".join(map(packed, values)))

    def send_packed(self, data: bytes | memoryview) -> None:
        """Send frames that `packed` has made; raises `LinkClosed`."""
        self._send_bytes(data)

    def send_at_once(self, parts: Sequence[bytes | memoryview]) -> bytes:
        """Send as much as there is room for, without waiting; returns a copy of the rest. Raises `LinkClosed`."""
        try:
            with self._sending:
                sent = self._end.sendmsg(parts[:MOST_PARTS], (), socket.MSG_DONTWAIT)
        except BlockingIOError:
            sent = 0
        except OSError as exc:
            raise LinkClosed(str(exc) or type(exc).__name__) from exc
        return _after(parts, sent)

    def receive(self, arrived: Callable[[], None] = lambda: None) -> Any:
        """The next value, waiting for it; raises `LinkClosed` when the other end is closed and nothing is left.

        `arrived` is called when it is there whole, and not unpickled yet.
        """
        while (found := self._next(arrived)) is None:
            self._read_some()
        return found[0]

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
            while (value := self._next()) is not None:
                found += value
        return found

    def _read_some(self) -> None:
        if self._large is None:
            self._received += self._receive_bytes(CHUNK_BYTES)
            return
        memory, filled, count = self._large
        try:
            size = self._end.recv_into(memoryview(memory)[filled:])
        except OSError as exc:
            raise LinkClosed(str(exc)) from exc
        if not size:
            raise LinkClosed("the other end is closed")
        self._large = memory, filled + size, count

    def _next(self, arrived: Callable[[], None] = lambda: None) -> tuple[Any] | None:
        """The value of the next whole frame; None if it has not arrived whole."""
        if self._large is not None:
            memory, filled, count = self._large
            if filled < len(memory):
                return None
            self._large = None
            arrived()
            return (_unpacked(memoryview(memory), count),)
        if len(self._received) < HEADER.size:
            return None
        length, count = HEADER.unpack_from(self._received)
        end = HEADER.size + length
        if len(self._received) < end:
            if length > CHUNK_BYTES:
                memory = bytearray(length)
                filled = len(self._received) - HEADER.size
                memory[:filled] = self._received[HEADER.size :]
                self._received.clear()
                self._large = memory, filled, count
            return None
        payload = bytearray(self._received[HEADER.size : end])
        del self._received[:end]
        arrived()
        return (_unpacked(memoryview(payload), count),)


def _after(parts: Sequence[bytes | memoryview], sent: int) -> bytes:
    """What is left of the parts after so many bytes; a copy, because who made them may write to them again."""
    left: list[bytes | memoryview] = []
    for part in parts:
        size = len(part) if isinstance(part, bytes) else part.nbytes
        if sent < size:
            left.append(part[sent:])
        sent = max(0, sent - size)
    return b"".join(left)


def frame_pair(parents_limit_s: float | None = None) -> tuple[FrameLink, FrameLink]:
    """Two ends; the first one's process gives up sending after `parents_limit_s`, if that is given."""
    one, other = socket.socketpair()
    one.settimeout(parents_limit_s)
    return FrameLink(one), FrameLink(other)
