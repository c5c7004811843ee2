"""The stop signals of a command (Ctrl-C, SIGTERM, SIGHUP): a handler notes them, and what waits looks at them.

No handler here raises an exception. Python's own handler for Ctrl-C raises one wherever the
process happens to be, and where that is a callback (of a weak reference, of the garbage collector,
of a fork, of an import), Python only prints it: the command would go on to its end.

Outside of an `Interrupt` the first signal ends the process at once, with status 128 + its number.
Inside, that many signals are only noted; `pause`, `call` and `check` then raise `Interrupted`.
One more ends the process at once; `at_sudden_end` holds what must be done even then. A signal that
was ignored when the command began (`nohup`) stays ignored.

Without an `Interrupt` and its handlers, as in the programs of others, `pause` is a sleep and `call` a call.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self, TypeVar

from tasks.exit_codes import INTERRUPTED

ValueT = TypeVar("ValueT")

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

GRACE_S = 0.5
"""How long an interrupted `call` may go on, to end by itself."""

LOOK_EVERY_S = 0.2
"""How often a thread that signals do not wake looks for one."""

SHOW_CURSOR = b"\x1b[?25h"

_sudden_ends: list[Callable[[], object]] = []
_current: Interrupt | None = None
_has_abandoned = False


class Interrupted(KeyboardInterrupt):
    """A stop signal was noted. Raised only where a command looks for one; its argument is the signal's number."""


def status_of(stopped: BaseException | None) -> int:
    """The exit status of a command that was stopped: 128 and the signal's number, as in shells."""
    return 128 + int(stopped.args[0]) if isinstance(stopped, Interrupted) else INTERRUPTED


def end_at_first_signal() -> None:
    """From now on the first Ctrl-C ends this process at once, wherever it is. SIGTERM and SIGHUP do so anyway."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _end)


@contextlib.contextmanager
def at_sudden_end(action: Callable[[], object]) -> Iterator[None]:
    """Inside this block, `action` is called when the process ends at once. It must be short, and may not wait."""
    _sudden_ends.append(action)
    try:
        yield
    finally:
        _sudden_ends.remove(action)


def exit_process(status: int) -> NoReturn:
    """End the process with this status; at once if an interrupted `call` still runs in its thread."""
    if _has_abandoned:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        _end_at_once(status)
    sys.exit(status)


def check() -> None:
    """Raise `Interrupted` if a stop signal was noted."""
    if _current:
        _current.check()


def pause(limit_s: float) -> None:
    """Wait so long; raises `Interrupted` as soon as a stop signal comes."""
    if _current is None:
        time.sleep(limit_s)
    else:
        _current.wait(limit_s)
        _current.check()


def call(work: Callable[[], ValueT]) -> ValueT:
    """Call what may block for long (a read from Redis, the encoding of a file), and return its result.

    Raises `Interrupted` soon after a stop signal. The work goes on in its own thread, until the process ends.
    """
    if _current is None or not _is_main_thread():
        return work()
    return _current.call(work)


def until_readable(file: int) -> None:
    """Wait until this file descriptor can be read; raises `Interrupted` as soon as a stop signal comes."""
    if _current:
        _current.wait(None, [file])
        _current.check()


def count() -> int:
    """How many stop signals were noted."""
    return len(_current.numbers) if _current else 0


class Interrupt:
    """Notes the first `noted` stop signals inside its `with` block, in the main thread; does nothing in another one."""

    def __init__(self, noted: int = 1) -> None:
        self.numbers: list[int] = []
        """The signals that came, in order."""
        self._noted = noted
        self._before: dict[signal.Signals, Any] = {}
        self._outer: Interrupt | None = None
        self._woken, self._wake, self._done, self._finish = -1, -1, -1, -1
        self._wakeup_before = -1

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return bool(self.numbers)

    def check(self) -> None:
        """Raise `Interrupted` if a stop signal was noted."""
        if self.numbers:
            raise Interrupted(self.numbers[0])

    def wait(self, limit_s: float | None, files: Sequence[int] = ()) -> Sequence[int]:
        """Wait `limit_s`, or until a stop signal has come, or one of these files can be read; returns those files.

        Files are named by their descriptors, and looked at once even if a signal has come before.
        """
        is_woken = (
            self._woken >= 0 and _is_main_thread()
        )  # two threads that read the wakes would take them from another
        step_s = math.inf if is_woken else LOOK_EVERY_S
        deadline = math.inf if limit_s is None else time.monotonic() + limit_s
        while True:
            wait_s = 0.0 if self.numbers else min(max(0.0, deadline - time.monotonic()), step_s)
            watched = [self._woken, *files] if is_woken else files
            readable, _, _ = select.select(watched, [], [], None if wait_s == math.inf else wait_s)
            if found := [one for one in files if one in readable]:
                return found
            if self.numbers or time.monotonic() >= deadline:
                return []
            if readable:
                self._empty_wakes()

    def call(self, work: Callable[[], ValueT]) -> ValueT:
        """See the function `call`."""
        global _has_abandoned
        self.check()
        ended: list[tuple[bool, Any]] = []

        def run() -> None:
            try:
                ended.append((True, work()))
            except BaseException as exc:  # raised again where the result is waited for
                ended.append((False, exc))
            os.write(self._finish, b".")

        threading.Thread(target=run, name="slotline-call", daemon=True).start()
        self.wait(None, [self._done])
        if not ended:
            select.select([self._done], [], [], GRACE_S)
        if not ended:
            _has_abandoned = True
            self.check()
        os.read(self._done, 1)
        has_result, value = ended[0]
        self.check()
        if not has_result:
            raise value
        return value  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        global _current
        if not _is_main_thread():
            return self
        self._woken, self._wake = os.pipe()
        self._done, self._finish = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        # The byte is written by whichever thread the system interrupts: it wakes a `select` of the main thread.
        self._wakeup_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        self._outer, _current = _current, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _current
        if self._woken < 0:
            return
        _current = self._outer
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        signal.set_wakeup_fd(self._wakeup_before)
        if not _has_abandoned:  # else its thread may still write, and the numbers would be those of other files
            for end in (self._woken, self._wake, self._done, self._finish):
                os.close(end)
        self._woken = -1

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.numbers.append(number)
        if len(self.numbers) > self._noted:
            _end(number, frame)

    def _empty_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _end(number: int, frame: FrameType | None) -> None:
    """End this process, which a signal asked for."""
    _end_at_once(128 + number)


def _end_at_once(status: int) -> NoReturn:
    """End this process without any exception in it; what it started is bound to it by the kernel and ends too."""
    for action in _sudden_ends[::-1]:
        with contextlib.suppress(Exception):
            action()
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, SHOW_CURSOR)  # progress bars hide it
    os._exit(status)
