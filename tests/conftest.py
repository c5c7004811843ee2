"""What tests share: a real Redis, an environment of their own, and worker processes that never outlive a test.

`redis_url` is one server for the whole run; `broker` empties it and points the settings
at it. `start_worker` runs Celery's own command in a process group of its own; whatever a
test started is killed when it ends, also when it fails, and a failed test shows the
workers' last lines.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
import redis
from celery import Celery
from kombu import pools

from producer import Client
from tasks.catalog import catalog
from tasks.launch import die_with_parent
from tasks.settings import settings
from workers.stack.embedded_redis import EmbeddedRedis

pytest_plugins = ["tests.fixtures.tiers", "tests.fixtures.models"]

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 30.0
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the tests in the background has Ctrl-C ignored, and every process inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

LOG_TAIL_LINES = 60
LEASE_S = 3.0


class WaitUntil(Protocol):
    """See `wait_until`."""

    def __call__(self, predicate: Callable[[], Any], limit_s: float = LIMIT_S, what: str = "") -> Any: ...


def _wait_until(predicate: Callable[[], Any], limit_s: float = LIMIT_S, what: str = "") -> Any:
    """The predicate's first true value; fails the test when there is none within `limit_s`."""
    deadline = time.monotonic() + limit_s
    while True:
        if value := predicate():
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {limit_s} s: {what or getattr(predicate, '__name__', predicate)}")
        time.sleep(0.02)


@pytest.fixture
def wait_until() -> WaitUntil:
    """`wait_until(predicate, limit_s, what)`: waits for an event, not for time to pass."""
    return _wait_until


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one Redis server for the whole run; nothing of it is kept."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of the machine reaches a test; store and data lie in its folder; caches start empty."""
    for name in list(os.environ):
        if name.startswith(("SLOTLINE_", "CELERY_", "GPU_", "MODEL_", "PARALLEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SLOTLINE_STORE_URL", str(tmp_path / "store"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SLOTLINE_LEASE_S", str(LEASE_S))
    settings.cache_clear()
    catalog.cache_clear()
    yield
    settings.cache_clear()
    catalog.cache_clear()


@pytest.fixture
def broker(redis_url: str, own_environment: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The broker's URL, its database empty, and the settings of this process and its children pointing at it."""
    monkeypatch.setenv("CELERY_BROKER_URL", redis_url)
    settings.cache_clear()
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    pools.reset()  # kombu's are this process's: an earlier test may have had their connections cut
    return redis_url


@pytest.fixture
def redis_client(broker: str) -> Iterator[redis.Redis]:
    """A client of the emptied broker that answers in `str`."""
    with redis.Redis.from_url(broker, decode_responses=True) as client:
        yield client


@pytest.fixture
def raw_redis(broker: str) -> Iterator[Any]:
    """A client of the emptied broker that answers in bytes, as slotline's own does. Its answers are untyped."""
    with redis.Redis.from_url(broker) as client:
        yield client


class Process:
    """A command in a process group of its own, its output in a file."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self.command = command
        self.log_path = log
        self._output = log.open("wb")
        self._process = subprocess.Popen(
            command,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd,
            start_new_session=True,
            # Nothing outlives a test run that is itself killed.
            preexec_fn=die_with_parent(),
        )

    @property
    def pid(self) -> int:
        """The main process; its group has the same number."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status once it has ended, else None."""
        return self._process.poll()

    def log(self) -> str:
        """Everything it has written so far."""
        return self.log_path.read_text(errors="replace")

    def wait_for_log(self, pattern: str, limit_s: float = LIMIT_S, count: int = 1) -> re.Match[str]:
        """The `count`-th match of `pattern` in its log; fails at once when the process ends without it."""

        def look() -> re.Match[str] | None:
            ended = self.returncode is not None
            found = list(re.finditer(pattern, self.log()))
            if len(found) >= count:
                return found[count - 1]
            if ended:
                pytest.fail(f"process ended ({self.returncode}) without {pattern!r} in its log:\n{self.tail()}")
            return None

        match: re.Match[str] = _wait_until(look, limit_s, f"{pattern!r} in the log of {self.command[-3:]}")
        return match

    def wait(self, limit_s: float = LIMIT_S) -> int:
        """Its exit status; fails the test when it runs longer."""
        try:
            return self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running after {limit_s} s:\n{self.tail()}")

    def signal(self, number: int) -> None:
        """Send a signal to the main process alone."""
        self._process.send_signal(number)

    def stop(self, limit_s: float = LIMIT_S) -> int:
        """SIGTERM, and its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(limit_s)

    def kill(self) -> None:
        """SIGKILL to the main process alone, as the kernel's memory killer would."""
        self._process.kill()
        self._process.wait()

    def kill_group(self) -> None:
        """SIGKILL to all that is left of it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._output.close()

    def tail(self, lines: int = LOG_TAIL_LINES) -> str:
        """The last lines of its log."""
        return "\n".join(self.log().splitlines()[-lines:])


class StartProcess(Protocol):
    """See `start_process`."""

    def __call__(
        self, *command: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT, name: str = "process"
    ) -> Process: ...


class StartWorker(Protocol):
    """See `start_worker`."""

    def __call__(
        self, *args: str, env: Mapping[str, str] | None = None, app: str = "workers", name: str = ""
    ) -> Process: ...


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep each phase's outcome on the item and add the processes' last lines to a failure."""
    outcome: Any = yield  # pluggy hands its result to a wrapper here
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for process in getattr(item, "_slotline_processes", []):
            title = f"{process.log_path.name} ({process.returncode}) {' '.join(process.command[1:])}"
            report.sections.append((title, process.tail()))


@pytest.fixture
def start_process(own_environment: None, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[StartProcess]:
    """`start_process(*command, env=…)` runs a command; all of them are killed, with their groups, at the end."""
    started: list[Process] = []
    request.node._slotline_processes = started

    def start(*command: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT, name: str = "process") -> Process:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **(env or {})}
        log = tmp_path / f"{name}-{len(started)}.log"
        started.append(Process(list(command), log, environment, cwd))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.kill_group()


@pytest.fixture
def start_worker(broker: str, start_process: StartProcess) -> StartWorker:
    """`start_worker(*args, env=…)` runs `celery -A workers worker *args` against the test's Redis."""

    def start(*args: str, env: Mapping[str, str] | None = None, app: str = "workers", name: str = "") -> Process:
        command = [sys.executable, "-m", "celery", "-A", app, "worker", *args]
        return start_process(*command, env=env, name=name or "worker")

    return start


class UseCatalog(Protocol):
    """See `use_catalog`."""

    def __call__(self, text: str) -> Path: ...


@pytest.fixture
def use_catalog(tmp_path: Path, own_environment: None, monkeypatch: pytest.MonkeyPatch) -> UseCatalog:
    """`use_catalog(text)`: the file of a catalog for this process and those that the test starts."""
    path = tmp_path / "models.toml"

    def use(text: str) -> Path:
        path.write_text(text)
        monkeypatch.setenv("SLOTLINE_MODELS", str(path))
        settings.cache_clear()
        catalog.cache_clear()
        return path

    return use


@pytest.fixture
def client(broker: str, tmp_path: Path) -> Client:
    """slotline's own client, on the test's Redis and store."""
    return Client(broker, str(tmp_path / "store"))


@pytest.fixture
def foreign(broker: str) -> Iterator[Celery]:
    """A Celery client that knows nothing of slotline."""
    with Celery("foreign", broker=broker, backend=broker, set_as_current=False) as app:
        yield app


class StartPair(Protocol):
    """See `start_pair`."""

    def __call__(self, model: str) -> tuple[Process, Process]: ...


@pytest.fixture
def start_pair(start_worker: StartWorker) -> StartPair:
    """`start_pair(model)`: a flow worker and a slot worker, both ready."""

    def start(model: str) -> tuple[Process, Process]:
        flow = start_worker("-Q", "flow", "-c", "1", name="flow")
        slot = start_worker("--model", model, name="slot")
        flow.wait_for_log("ready")
        slot.wait_for_log(f"ready: {model}")
        return flow, slot

    return start


LeftOver = Callable[[], list[str]]


@pytest.fixture
def left_over(tmp_path: Path) -> Iterator[LeftOver]:
    """`left_over()`: the command lines of living processes that belong to this test, known by its folder.

    Whatever is left at the end is killed, one by one.
    """
    mark = str(tmp_path).encode()

    def find() -> dict[int, str]:
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes()
                # Redis writes its title over its environment; its folder is the test's.
                signs = (command, (entry / "environ").read_bytes(), os.fsencode((entry / "cwd").readlink()))
                if command and any(mark in sign for sign in signs):
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    yield lambda: list(find().values())
    for pid in find():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
