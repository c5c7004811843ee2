"""A local stack as a process (`slotline up`) that runs as long as one command needs it.

The stack ends when this process ends, even by SIGKILL: its standard input closes,
and on Linux the kernel sends it a signal. It is started by command line, so that nothing of
the workers is imported here. It starts its own Redis, even if the environment names a broker.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tasks.errors import InvalidInput, SlotlineError
from tasks.exit_codes import BAD_INPUT
from tasks.launch import die_with_parent, environment, slotline_command
from tasks.terminal import interrupt
from tasks.terminal.printable import counted

STOP_LIMIT_S = 30.0
POLL_S = 0.05


@dataclass(frozen=True)
class Ready:
    """The addresses of a ready stack; `data` is its folder."""

    broker_url: str
    store_url: str
    data: Path


class BorrowedStack:
    """A stack with so many slots of each of these models; a context manager, to be entered in the main thread."""

    def __init__(self, slots: Mapping[str, int]) -> None:
        self.slots = slots
        self._process: subprocess.Popen[bytes] | None = None
        self._exits = contextlib.ExitStack()
        self._notices: IO[bytes] | None = None

    @property
    def announcement(self) -> str:
        """One line for people: what will be started."""
        slots = ", ".join(counted(number, f"{model} slot") for model, number in self.slots.items())
        return f"starting Redis, {slots} and a flow worker …"

    def start(self) -> Ready:
        """Start it and wait until it is ready; raises the one-line error of the process in it that did not start.

        Raises `Interrupted` after a stop signal, also after one that came while the process was forked.
        """
        models = [argument for one in self.slots.items() for argument in ("--model", f"{one[0]}={one[1]}")]
        command = slotline_command("up", "--ready-json", *models)
        self._notices = tempfile.TemporaryFile()  # noqa: SIM115, it is closed when the stack is stopped
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._notices,
            env=environment({"CELERY_BROKER_URL": "", "CELERY_RESULT_BACKEND": ""}),
            # Only this command handles Ctrl-C, and stops the stack in order.
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        self._exits.enter_context(interrupt.at_sudden_end(self._process.kill))
        assert self._process.stdout is not None
        interrupt.until_readable(self._process.stdout.fileno())
        line = self._process.stdout.readline()
        if not line.strip():
            status = self._process.wait()
            raise self._error(status)
        ready = json.loads(line)
        return Ready(ready["broker_url"], ready["store_url"], Path(ready["data"]))

    def check(self) -> None:
        """Raise the stack's own error if it has ended."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise self._error(status)

    def stop(self) -> None:
        """Stop it in order and wait; if a stop signal comes meanwhile, or beyond the limit, at once. Harmless twice."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        signals, deadline = interrupt.count(), time.monotonic() + STOP_LIMIT_S
        try:
            with contextlib.suppress(OSError):
                process.stdin.close()
            while process.poll() is None and time.monotonic() < deadline and interrupt.count() == signals:
                time.sleep(POLL_S)
        finally:
            # Killed, it takes its workers and its Redis with it: they are bound to it by the kernel.
            process.kill()
            process.wait()
            self._exits.close()
            process.stdout.close()
            if self._notices:
                self._notices.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _error(self, status: int) -> SlotlineError:
        assert self._notices is not None
        self._notices.seek(0)
        lines = [line.strip() for line in self._notices.read().decode(errors="replace").splitlines() if line.strip()]
        words = lines[-1].removeprefix("slotline: ") if lines else f"it ended with status {status} and no word"
        message = f"local stack: {words}"
        return InvalidInput(message) if status == BAD_INPUT else SlotlineError(message)
