"""One of the two instances in a process of its own, with a limit on each call.

Guarantees: a crash, `os._exit` or a hang of the adapter's code becomes `Lost`, whose one line says where it was; what
it prints never fills memory or the disk; its process, and those that it started in its group, end with `end`, and with
this process.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO, Any

from tasks import launch
from tasks.catalog import ModelEntry
from tasks.terminal import interrupt
from tasks.terminal.printable import shortened
from workers.conformance.failure import CallFailed
from workers.conformance.side import Lost
from workers.wire.frames import FrameLink, frame_pair
from workers.wire.socket_end import LinkClosed

TAIL_BYTES = 64 * 1024
LOOK_EVERY_S = 0.2
DUMPED_WITHIN_S = 1.0
"""How long a process that hangs gets to write where."""

STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 5.0
SHOWN = 120

_FRAME = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+) in \S+$', re.M)
_REPORT = "most recent call first"
_CALLERS = ("/workers/conformance/computes.py", "/workers/conformance/looks.py")
_OWN = re.compile(r"Fatal Python error|Current thread|Thread 0x|  File |Extension modules|Traceback|\s*\.\.\.|\s*$")
"""Lines of faulthandler's report."""


class Printed:
    """Reads what the process prints, and keeps the end of it; with `shows` all goes to stderr, too."""

    def __init__(self, shows: bool) -> None:
        self._shows = shows
        self._tail = b""
        self._thread: threading.Thread | None = None

    def read(self, file: IO[bytes]) -> None:
        """Read the file to its end, in a thread."""
        self._tail = b""
        self._thread = threading.Thread(target=self._read, args=(file,), name="printed", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The end of what was printed before the process ended."""
        if self._thread is not None:
            self._thread.join(DUMPED_WITHIN_S)
        return self._tail.decode(errors="replace")

    def _read(self, file: IO[bytes]) -> None:
        with file:
            while chunk := os.read(file.fileno(), TAIL_BYTES):
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]
                if self._shows:
                    sys.stderr.buffer.write(chunk)
                    sys.stderr.flush()


class Process:
    """The instance of that kind (`computes`, `looks`); `visible` is CUDA_VISIBLE_DEVICES, if it is to be set."""

    def __init__(self, kind: str, entry: ModelEntry, device: str, visible: str = "", shows: bool = False) -> None:
        self._kind, self._entry, self._device = kind, entry, device
        self._environment: Mapping[str, str] = {"CUDA_VISIBLE_DEVICES": visible} if visible else {}
        self._printed = Printed(shows)
        self._process: subprocess.Popen[bytes] | None = None
        self._link: FrameLink | None = None
        self._is_ready = False

    @property
    def is_there(self) -> bool:
        """Whether the process was started and not lost."""
        return self._process is not None

    def begin(self) -> None:
        """Start the process, and do not wait for it; one that runs is ended."""
        self.end()
        self._is_ready = False
        mine, its = frame_pair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers.conformance.serve", self._kind, str(its.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=launch.environment({**self._environment, "PYTHONUNBUFFERED": "1"}),
            pass_fds=(its.fileno(),),
            start_new_session=True,  # Ctrl-C is this process's to handle; and its group can be killed
            preexec_fn=launch.die_with_parent(signal.SIGKILL),
        )
        its.close()
        assert self._process.stdout is not None
        self._printed.read(self._process.stdout)
        self._link = mine
        with contextlib.suppress(LinkClosed):  # the first call says why it died
            mine.send((self._entry, self._device))

    def call(self, method: str, *arguments: Any, limit_s: float) -> Any:
        """What that method gives. Raises `CallFailed`, `Lost`, and `Interrupted` after Ctrl-C."""
        assert self._link is not None
        try:
            if not self._is_ready:  # its start counts to no call
                self._answer(self._link, STARTS_WITHIN_S)
                self._is_ready = True
            self._link.send((method, arguments))
            has_worked, value = self._answer(self._link, limit_s)
        except LinkClosed:
            raise self._lost(f"the process died by {self._end()} in {method}") from None
        except TimeoutError:
            self._dump()
            raise self._lost(f"{method} did not end within {limit_s:g} s, and was stopped") from None
        if not has_worked:
            raise CallFailed(value)
        return value

    def kill(self) -> None:
        """Kill the process and its group, if it runs; waits for nothing."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill the process and its group, if it runs."""
        if self._link is not None:
            self._link.close()
        self.kill()
        if self._process is not None:
            self._process.wait()
        self._process = self._link = None

    def _answer(self, link: FrameLink, limit_s: float) -> tuple[bool, Any]:
        ends_s = time.monotonic() + limit_s
        while True:
            interrupt.check()
            left_s = ends_s - time.monotonic()
            if found := link.pending(max(0.0, min(LOOK_EVERY_S, left_s))):
                answer: tuple[bool, Any] = found[0]
                return answer
            if left_s <= 0:
                raise TimeoutError

    def _end(self) -> str:
        """How the process ended: a signal's name, or its exit status."""
        assert self._process is not None
        try:
            status = self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            return "closing its socket"
        if status >= 0:
            return f"exit status {status} (os._exit?)"
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
        return f"signal {-status}"

    def _dump(self) -> None:
        """Let the process write where it is: faulthandler does, as it dies of this signal."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGABRT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(DUMPED_WITHIN_S)

    def _lost(self, what: str) -> Lost:
        self.end()
        return Lost(what + where(self._printed.text()))


def where(printed: str) -> str:
    """Where the adapter's code was, by faulthandler's report in what was printed, and its last line. Pure."""
    lines = [line for line in printed.splitlines() if not _OWN.match(line)]
    return _place(printed) + (f"; it printed last: {shortened(lines[-1], SHOWN)}" if lines else "")


def _place(printed: str) -> str:
    """The innermost line in the folder of the method that was called; empty without a report."""
    _, found, report = printed.rpartition(_REPORT)
    frames = list(_FRAME.finditer(report)) if found else []
    own = list(itertools.takewhile(lambda frame: not frame["file"].endswith(_CALLERS), frames))
    if not own:
        return ""
    home = os.path.dirname(own[-1]["file"])
    frame = next(one for one in own if os.path.dirname(one["file"]) == home)
    return f", at {os.path.basename(frame['file'])} line {frame['line']}"
