"""The machines of a storm: a Redis that keeps every write, slot workers and flow workers, and a supervisor of them.

Each worker has its own line to Redis (`lines`), on which packets can be swallowed. All are real
processes below one folder. A worker that dies is started again at the next look, as systemd or a
container's restart policy would. Whatever was started ends with the fleet, and by the kernel's hand
when the storm itself is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import redis

from tasks.launch import celery_command, code_home, environment
from tasks.redis import keys
from tests.faults.proxy import Proxy
from workers.stack.embedded_redis import EmbeddedRedis
from workers.stack.worker_process import WorkerProcess

START_LIMIT_S = 90.0
STOP_LIMIT_S = 30.0
TIME_OUT_S = 2.0
MODEL = "rehearsal"


class SyncedRedis(EmbeddedRedis):
    """With every write on the disk before it is answered."""

    def _arguments(self) -> list[str]:
        return [*super()._arguments(), "--appendfsync", "always"]


class Fleet:
    """`slots` slot workers and `flows` flow workers over one Redis; the model takes `seconds` for a batch."""

    def __init__(
        self, folder: Path, lease_s: float, seconds: float, slots: int = 4, flows: int = 2, batch_size: int = 1
    ) -> None:
        self.folder = folder
        self.lease_s = lease_s
        self.seconds = seconds
        self.batch_size = batch_size
        self.redis = SyncedRedis(folder / "redis", append_only=True)
        self.journal = folder / "journal"
        self.store = folder / "store"
        self.slots = [f"slot-{number}" for number in range(1, slots + 1)]
        self.flows = [f"flow-{number}" for number in range(1, flows + 1)]
        self.workers: dict[str, WorkerProcess] = {}
        self.lines: dict[str, Proxy] = {}
        self._open_lines = contextlib.ExitStack()
        self.starts = 0
        self._groups: set[int] = set()

    def start(self) -> None:
        """Start everything and wait until all slots are ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "models.toml").write_text(
            f'[models.{MODEL}]\nadapter = "rehearsal"\nseconds = {self.seconds}\nsigned = true\n'
            f'batch_size = {self.batch_size}\njournal = "{self.journal}"\n'
        )
        self.redis.start()
        for name in (*self.slots, *self.flows):
            what = ("--model", MODEL) if name in self.slots else ("-Q", "flow", "-c", "1")
            log = self.folder / f"{name}.log"
            line = self.lines[name] = self._open_lines.enter_context(Proxy(self.redis.url))
            made = environment(self._environment(line.url))
            self.workers[name] = WorkerProcess(name, celery_command("worker", *what), log, made, code_home())
            self._start(name)
        with redis.Redis.from_url(self.redis.url) as client:
            wait_for(lambda: len(client.zrange(keys.capacity(MODEL), 0, -1)) == len(self.slots), "ready slots")

    def supervise(self) -> list[str]:
        """Start again whatever worker has ended; their names."""
        dead = [name for name, worker in self.workers.items() if not worker.is_alive]
        for name in dead:
            self._start(name)
        return dead

    def pids(self, name: str) -> list[int]:
        """A worker's parent, and its children after it; empty when it is dead."""
        worker = self.workers[name]
        if not worker.is_alive or worker.pid is None:
            return []
        return [worker.pid, *children(worker.pid)]

    def stop(self) -> dict[str, int | None]:
        """SIGTERM to all workers; the exit status of each, None for those that had to be killed."""
        for worker in self.workers.values():
            worker.terminate()
        deadline = time.monotonic() + STOP_LIMIT_S
        while any(worker.is_alive for worker in self.workers.values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return {name: worker.status for name, worker in self.workers.items()}

    def close(self) -> None:
        """End all that is left of it, whatever its state."""
        for worker in self.workers.values():
            worker.kill()
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._open_lines.close()
        self.redis.kill()

    def left(self) -> list[int]:
        """Living processes of any worker that ever belonged to it, but for those that it has now."""
        now = {worker.pid for worker in self.workers.values() if worker.is_alive}
        return [pid for pid, group in _groups() if group in self._groups - now]

    def last_words(self, lines: int = 15) -> str:
        """The end of each log."""
        logs = {name: worker.log.read_text(errors="replace") for name, worker in self.workers.items()}
        return "\n".join("\n".join([f"--- {name}", *log.splitlines()[-lines:]]) for name, log in logs.items())

    def _start(self, name: str) -> None:
        worker = self.workers[name]
        worker.start()
        self.starts += 1
        self._groups.add(worker.pid or 0)

    def _environment(self, broker_url: str) -> dict[str, str]:
        return {
            "CELERY_BROKER_URL": broker_url,
            "SLOTLINE_REDIS_OPTIONS": f"socket_timeout={TIME_OUT_S:g}",
            "CELERY_RESULT_BACKEND": "",
            "SLOTLINE_STORE_URL": str(self.store),
            "SLOTLINE_MODELS": str(self.folder / "models.toml"),
            "SLOTLINE_LEASE_S": str(self.lease_s),
            "SLOTLINE_RETRY_S": "0.5",
            # A dead worker's slot is held until its lease ends: its successor takes another.
            "SLOTLINE_CPU_SLOTS": str(4 * len(self.slots)),
            "PARALLEL_PARAGRAPHS": "",
            "LOG_LEVEL": "INFO",
        }


def children(pid: int) -> list[int]:
    """The pids of a process's children; none when it is gone."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    """Whether the process runs, or could: neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def wait_for(condition: Callable[[], object], what: str, limit_s: float = START_LIMIT_S) -> None:
    """Wait until `condition` holds, through a Redis that is away; raises `TimeoutError` that names it."""
    deadline = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(redis.RedisError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit_s:g} s: {what}")
        time.sleep(0.05)


def _groups() -> list[tuple[int, int]]:
    """Every living process with its group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if state not in ("Z", "X"):
                    found.append((int(entry.name), int(group)))
    return found
