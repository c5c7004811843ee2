"""Sends a child's answers while it computes the next run: at once as far as the socket has room, the rest by a thread.

A batch's results are larger than a socket's buffer, and the sidecar may be busy. The thread only waits in the kernel,
so it takes no time from the model. Guarantees: frames are sent whole and in order; one at most waits, so memory is
bounded. What was not sent when the process dies is lost, and then counts as not computed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from workers.wire.frames import FrameLink
from workers.wire.socket_end import LinkClosed


class BackgroundSender:
    """Sends frames over `link`; one thread calls it. Its own thread starts with the first frame that has to wait."""

    def __init__(self, link: FrameLink) -> None:
        self._link = link
        self._changed = threading.Condition()
        self._rest: bytes = b""
        self._failed: LinkClosed | None = None
        self._thread: threading.Thread | None = None

    def send(self, parts: Sequence[bytes | memoryview]) -> None:
        """Send a frame, after the one before it; raises `LinkClosed`, also for what was to be sent before."""
        self.flush()
        if rest := self._link.send_at_once(parts):
            self._hand_over(rest)

    def flush(self) -> None:
        """Wait until nothing waits; raises `LinkClosed`."""
        if self._thread is None:
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._rest or self._failed)
            if self._failed is not None:
                raise self._failed

    def _hand_over(self, rest: bytes) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="answers-out", daemon=True)
            self._thread.start()
        with self._changed:
            self._rest = rest
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._rest)
                self._link.send_packed(self._rest)
                with self._changed:
                    self._rest = b""
                    self._changed.notify_all()
        except LinkClosed as exc:
            with self._changed:
                self._failed = exc
                self._changed.notify_all()
