"""What the benchmarks stand on: a Redis and worker processes of their own, and how a table is printed.

Everything lies in one temporary folder and ends with the rig, also on an error, Ctrl-C or SIGTERM. TMPDIR says where.
It measures nothing itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import redis

from workers.stack.embedded_redis import EmbeddedRedis

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 120.0
STOP_LIMIT_S = 20.0


class Rig:
    """A Redis on a free port, and the environment in which slotline's processes use it."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.folder = folder
        self.redis_url = redis_url
        self.client = redis.Redis.from_url(redis_url)
        self.environment = {
            "CELERY_BROKER_URL": redis_url,
            "SLOTLINE_STORE_URL": str(folder / "store"),
            "SLOTLINE_MODELS": str(folder / "models.toml"),
            "SLOTLINE_CPU_SLOTS": "1",
            # Short products of numpy are of one thread, in a slot and in the bare process.
            "OPENBLAS_NUM_THREADS": "1",
            "LOG_LEVEL": "WARNING",
        }

    def rehearsal(self, seconds: float, batch_size: int = 1, **options: float | str) -> None:
        """Make the catalog hold one model, `rehearsal`, that takes `seconds` for a batch of up to `batch_size`."""
        table_of = {"adapter": "rehearsal", "seconds": seconds, "batch_size": batch_size, **options}
        lines = ["[models.rehearsal]", *(f"{key} = {json.dumps(value)}" for key, value in table_of.items())]
        (self.folder / "models.toml").write_text("\n".join(lines) + "\n")

    def last_words(self) -> str:
        """The end of what each process wrote so far."""
        return "\n".join(log.read_text()[-2000:] for log in sorted(self.folder.glob("*.log")))

    def used_bytes(self) -> int:
        """Memory that Redis has allocated for its data and itself."""
        return int(self.client.info("memory")["used_memory"])

    def keys_bytes(self) -> int:
        """MEMORY USAGE summed over every key, each measured whole."""
        return sum(int(self.client.memory_usage(key, samples=0) or 0) for key in self.client.scan_iter(count=1000))

    @contextlib.contextmanager
    def process(
        self,
        *command: str,
        may_be_killed: bool = False,
        may_end: bool = False,
        leaves_others: bool = False,
        changes: Mapping[str, str] = MappingProxyType({}),
        python: str = sys.executable,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A module that runs until the block ends; its output is shown when it ends by itself, unless it `may_end`.

        One that `leaves_others` ends without its own processes: they are killed after it. `changes` are what its
        environment has instead of the rig's, and `python` is the interpreter of another environment.
        """
        log = self.folder / f"{len(list(self.folder.glob('*.log')))}.log"
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, **self.environment, "PYTHONPATH": path, **changes}
        with log.open("wb") as output:
            started = subprocess.Popen(
                [python, "-m", *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=ROOT,
                process_group=0 if leaves_others else None,
            )
        try:
            yield started
            if started.poll() is not None and not (may_end or (may_be_killed and started.returncode < 0)):
                raise RuntimeError(f"{' '.join(command)} ended ({started.returncode}):\n{log.read_text()[-2000:]}")
        finally:
            started.terminate()
            try:
                started.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()
            if leaves_others:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(started.pid, signal.SIGKILL)


@contextlib.contextmanager
def rig() -> Iterator[Rig]:
    """A rig for the length of a block; this process' own settings point at it as well."""
    with ExitStack() as stack:
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        stack.callback(signal.signal, signal.SIGTERM, before)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slotline-bench-")))
        (folder / "redis").mkdir()
        server = stack.enter_context(EmbeddedRedis(folder / "redis"))
        made = Rig(folder, server.url)
        stack.callback(made.client.close)
        made.rehearsal(0.0)
        os.environ.update(made.environment)
        yield made


def wait_for(condition: Callable[[], object], what: str, limit_s: float = LIMIT_S, every_s: float = 0.002) -> float:
    """When `condition` was first seen true, by the monotonic clock in seconds; raises `TimeoutError`."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit_s:g} s: {what}")
        time.sleep(every_s)
    return time.monotonic()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its figures to the right."""
    return "\n".join([line(head), "| --- |" + " ---: |" * (len(head) - 1), *map(line, rows)])


def line(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def machine(client: redis.Redis, packages: Sequence[str]) -> str:
    """The facts without which a figure says little, in one line."""
    facts: Mapping[str, str] = {
        "on": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}, temporary files on {_file_system()}",
        "python": platform.python_version(),
        "redis-server": str(client.info("server")["redis_version"]),
        **{name: version(name) for name in packages},
    }
    return "; ".join(f"{name} {value}" for name, value in facts.items())


def _file_system() -> str:
    """The kind of the file system that holds the temporary folder, and so the store."""
    folder, found = Path(tempfile.gettempdir()).resolve(), ("", "?")
    with contextlib.suppress(OSError):
        for _, place, kind, *_ in map(str.split, Path("/proc/mounts").read_text().splitlines()):
            if folder.is_relative_to(place) and len(place) > len(found[0]):
                found = (place, kind)
    return found[1]


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
