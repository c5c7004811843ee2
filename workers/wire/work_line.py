"""The line between a slot's sidecar and its child: runs in one direction, their results in the other.

A run is a frame and a token, 8 bytes on a socket whose receiving end both processes hold. Whoever receives the token
owns the run: the child begins it, or the sidecar recalls it. The kernel decides, so no run is begun and recalled both,
whoever dies in between. Guarantees: the child gets runs in the order in which they were sent; when one process dies,
the other one receives what was sent before, and then `LinkClosed`.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workers.wire.background import BackgroundSender
from workers.wire.frames import FrameLink, packed, packed_parts
from workers.wire.socket_end import LinkClosed

_TOKEN = struct.Struct("=q")

ROOM_BYTES = 16 << 20
"""How much the kernel may hold of what was sent and not read yet, in each direction: two stretches of film. With its
usual 0.2 MB both processes wake up for each such piece, and a busy one keeps the other waiting (16 ms for 8 MB)."""

_FORCED_ROOM = getattr(socket, "SO_SNDBUFFORCE", 32 if sys.platform == "linux" else None)
"""Linux' option for more than `net.core.wmem_max`, which only root may set."""


@dataclass(frozen=True)
class Run:
    """One call of `Adapter.run`; `calls` has for each input the calls of the batch that get its result.

    `variant` is a registry's model and `revision` the one for which the inputs were made ready.
    """

    number: int
    batch: int
    calls: Sequence[tuple[int, ...]]
    items: Sequence[Any]
    variant: str | None = None
    revision: str = ""


@dataclass(frozen=True)
class LoadVariant:
    """Asks the child to load a registry's model, in its turn, and to send what it offers."""

    number: int
    variant: str | None


ToChild = Run | LoadVariant


@dataclass(frozen=True)
class ModelOffers:
    """The child has loaded a model (`variant` is None for a slot's only one), or could not.

    `found` is the adapter's `Offer`, or the error; `entry` the loaded model's own table. `number` is that of the
    `LoadVariant` that asked for it, else 0. `is_waited`: the child waits until the sidecar has taken it. `mark` is that
    of the files of a registry's model.
    """

    found: Any
    variant: str | None = None
    number: int = 0
    entry: Any = None
    is_waited: bool = False
    mark: str = ""


@dataclass(frozen=True)
class ModelGone:
    """The child has unloaded a model; `variant` is None for the slot's only one."""

    variant: str | None = None


@dataclass(frozen=True)
class RunEnded:
    """The results of a run, one per input: what the model made, or an exception; and the seconds that it took."""

    number: int
    results: Sequence[Any]
    took_s: float


@dataclass(frozen=True)
class RunBroke:
    """The run ended the child, which says why with its last word; it has no results."""

    number: int
    why: str


FromChildToSidecar = ModelOffers | ModelGone | RunEnded | RunBroke


class SidecarEnd:
    """The sidecar's end. One thread sends, one receives, any may recall."""

    def __init__(
        self, frames: FrameLink, tokens_out: socket.socket, tokens_in: socket.socket, taken: socket.socket
    ) -> None:
        self._frames = frames
        self._tokens_out = tokens_out
        self._tokens_in = tokens_in
        self._taken = taken

    def filenos(self) -> tuple[int, ...]:
        """The descriptors of this end, which a fork must keep."""
        return self._frames.fileno(), self._tokens_out.fileno(), self._tokens_in.fileno(), self._taken.fileno()

    def send(self, runs: Sequence[ToChild]) -> None:
        """Send runs, in this order; raises `LinkClosed`. It waits while the child's socket is full."""
        self.send_packed([run.number for run in runs], b"".join(map(packed, runs)))

    def send_packed(self, numbers: Sequence[int], frames: bytes) -> None:
        """Send runs with these numbers, whose frames the caller has packed."""
        try:
            # Tokens first: the child reads a frame only for a token, and a large frame may need the child to read it.
            self._tokens_out.sendall(b"".join(map(_TOKEN.pack, numbers)))
        except OSError as exc:
            raise LinkClosed(str(exc)) from exc
        self._frames.send_packed(frames)

    def recall(self) -> frozenset[int]:
        """Take back all runs that the child has not begun; it never will. Returns their numbers."""
        found: set[int] = set()
        while (number := _token(self._tokens_in)) is not None:
            found.add(number)
        return frozenset(found)

    def receive(self, arrived: Callable[[], None] = lambda: None) -> FromChildToSidecar:
        """The next answer of the child, waiting for it; raises `LinkClosed` when the child has died and all is read.

        `arrived` is called before it is unpickled.
        """
        found: FromChildToSidecar = self._frames.receive(arrived)
        return found

    def took(self) -> None:
        """Tell the child, which waits for it, that its offer was taken; raises `LinkClosed`."""
        try:
            self._taken.sendall(b"!")
        except OSError as exc:
            raise LinkClosed(str(exc)) from exc

    def close(self) -> None:
        """Close this end."""
        self._frames.close()
        self._tokens_out.close()
        self._tokens_in.close()
        self._taken.close()


class ModelEnd:
    """The child's end; one thread uses it. `wake` lets another thread of the child interrupt a wait for a run."""

    def __init__(self, frames: FrameLink, tokens_in: socket.socket, taken: socket.socket) -> None:
        self._frames = frames
        self._answers = BackgroundSender(frames)
        self._tokens_in = tokens_in
        self._taken = taken
        self._woken, self._wakes = os.pipe()

    def next(self) -> ToChild | None:
        """The next run, waiting for it; None when `wake` was called. Raises `LinkClosed` when the sidecar has died."""
        while (number := self._next_token()) is not None:
            while (run := self._frames.receive()).number != number:
                pass  # recalled
            found: ToChild = run
            return found
        return None

    def answer(self, answer: FromChildToSidecar) -> None:
        """Send the sidecar an answer; raises `LinkClosed`, or what pickling raises: then nothing was sent.

        It waits for the answer before this one to be read, not for this one: meanwhile the next run is computed.
        """
        self._answers.send(packed_parts(answer))

    def offer(self, offers: ModelOffers) -> None:
        """Send what a model offers, and wait until the sidecar can look at inputs for it; raises `LinkClosed`."""
        self.answer(replace(offers, is_waited=True))
        try:
            taken = self._taken.recv(1)
        except OSError as exc:
            raise LinkClosed(str(exc)) from exc
        if not taken:
            raise LinkClosed("the sidecar has ended")

    def flush(self) -> None:
        """Wait until all answers are sent, as before the process ends; raises `LinkClosed`."""
        self._answers.flush()

    def wake(self) -> None:
        """From another thread: let `next` return None, now or when it is called."""
        os.write(self._wakes, b"!")

    def close(self) -> None:
        """Close this end."""
        self._frames.close()
        self._tokens_in.close()
        self._taken.close()
        os.close(self._woken)
        os.close(self._wakes)

    def _next_token(self) -> int | None:
        """A token; None after `wake`. A token that the sidecar has recalled in between is not one."""
        poller = select.poll()
        poller.register(self._woken, select.POLLIN)
        poller.register(self._tokens_in, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poller.poll()]
            if self._woken in ready:
                os.read(self._woken, 4096)
                return None
            if (number := _token(self._tokens_in)) is not None:
                return number


def _token(end: socket.socket) -> int | None:
    """The next token; None if there is none now. Raises `LinkClosed` when the sending end is closed."""
    try:
        raw = end.recv(_TOKEN.size, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError as exc:
        raise LinkClosed(str(exc)) from exc
    if not raw:
        raise LinkClosed("the sidecar has ended")
    return int(_TOKEN.unpack(raw)[0])


def _make_room(end: socket.socket) -> None:
    """Let the kernel hold as much of what this end sends as it allows."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM_BYTES)
        if _FORCED_ROOM is not None:
            end.setsockopt(socket.SOL_SOCKET, _FORCED_ROOM, ROOM_BYTES)


def work_line() -> tuple[SidecarEnd, ModelEnd]:
    """Both ends, made before the sidecar is forked; each process then closes the end that it does not use.

    The receiving end of the tokens is in both, so it stays open in either process.
    """
    sidecars, childs = socket.socketpair()
    for end in (sidecars, childs):
        _make_room(end)
    tokens_out, tokens_in = socket.socketpair()
    both = tokens_in.dup()
    says_taken, hears_taken = socket.socketpair()
    return (
        SidecarEnd(FrameLink(sidecars), tokens_out, both, says_taken),
        ModelEnd(FrameLink(childs), tokens_in, hears_taken),
    )
