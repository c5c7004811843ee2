"""One worker process of a stack: its owner starts, checks, ends and restarts it.

Knows nothing of what the worker does. The process leads a group of its own, so that its
child ends with it; the kernel kills it when the process that started it dies (Linux).
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.launch import die_with_parent

DEATHS_ALLOWED = 5
DEATHS_WINDOW_S = 300.0
BACKOFF_MAX_S = 30.0
TAIL_BYTES = 16384

_LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [A-Z]+ \S+ ")


def backoff_s(deaths: Sequence[float], now_s: float) -> float | None:
    """Seconds to wait before the next start (1, 2, 4, …), or None when it died too often in the last minutes."""
    recent = [died for died in deaths if now_s - died < DEATHS_WINDOW_S]
    if len(recent) > DEATHS_ALLOWED:
        return None
    return min(2.0 ** max(len(recent) - 1, 0), BACKOFF_MAX_S)


class WorkerProcess:
    """A worker process; `name` is for people, `log` is the file that gets its output."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.log = log
        self.deaths: list[float] = []
        self.due_s: float | None = None
        """When it is to be started again, on the caller's clock; None while it runs."""
        self.command = list(command)
        self.environment = dict(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, from a thread that lives at least as long as the process should."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                cwd=self._folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal is for the starter, which stops its workers in order.
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        self.due_s = None

    @property
    def pid(self) -> int | None:
        """The process id since the last start, dead or alive."""
        return self._process.pid if self._process else None

    @property
    def status(self) -> int | None:
        """The exit status (negative: the signal), or None while it runs or was never started."""
        return self._process.poll() if self._process else None

    @property
    def is_alive(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def terminate(self) -> None:
        """Ask it to end: it finishes its running batch, and gives pending messages back."""
        if self.is_alive and self._process:
            self._process.terminate()

    def kill(self) -> None:
        """Kill it and its process group; does nothing if it has ended."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def how_it_ended(self) -> str:
        """«exit status 1» or «SIGKILL»."""
        status = self.status
        if status is not None and status < 0:
            try:
                return signal.Signals(-status).name
            except ValueError:
                return f"signal {-status}"
        return f"exit status {status}"

    def last_words(self) -> str:
        """The last line with text in its log, without time and level."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                tail = file.read().decode(errors="replace")
        except OSError:
            return "it left no log"
        lines = [_LOG_PREFIX.sub("", line).strip() for line in tail.splitlines()]
        return next((line for line in reversed(lines) if line), "it left no word").removeprefix("slotline: ")
