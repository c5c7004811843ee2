"""The stack on this machine: an embedded Redis, slot workers and a flow worker, as processes of their own.

Duties: start them in order, wait until each is ready, start again what dies, stop them in
order. The workers are Celery's own command, told nothing but their environment. One stack
holds a data folder at a time. Everything runs in the thread that calls; nothing outlives it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import redis

from tasks import broker
from tasks.catalog import catalog, catalog_path
from tasks.errors import BrokerUnavailable, SettingsError, SlotlineError
from tasks.launch import celery_command, code_home, environment
from tasks.settings import Settings
from workers.slots.holders import Holder, free, holders
from workers.slots.placement import fit
from workers.stack.embedded_redis import HOST, EmbeddedRedis
from workers.stack.worker_process import DEATHS_ALLOWED, Supervised, backoff_s

if TYPE_CHECKING:
    from redis import Redis

POLL_S = 0.1
READY_MARGIN_S = 60.0
"""Beyond the model's own budget for load: Python and Celery start too, several at once on few cores."""

STOP_LIMIT_S = 15.0
"""What a worker may take to end when nothing runs any more."""

TELL_AFTER_S = 3.0
LOCAL_LEASE_S = 10.0
"""After a stack was killed, the next one waits this long at most for what its workers had in hand."""


@dataclass(frozen=True)
class Wanted:
    """What to run: slots a model, processes of the flow worker, and where. `broker_url` None embeds a Redis."""

    models: Mapping[str, int]
    flow: int
    data: Path
    broker_url: str | None = None
    redis_port: int = 0
    lazy: bool = False


class LocalStack:
    """Everything on this machine. `tell` takes one line for people; `stopping` is asked while it starts."""

    def __init__(
        self, wanted: Wanted, settings: Settings, tell: Callable[[str], None], stopping: Callable[[], bool]
    ) -> None:
        self.wanted = wanted
        self.settings = settings
        self.logs = wanted.data / "logs"
        self.broker_url = wanted.broker_url or ""
        self.workers: list[Supervised] = []
        self._tell = tell
        self._stopping = stopping
        self._redis: EmbeddedRedis | None = None
        self._redis_deaths: list[float] = []
        self._lock: IO[str] | None = None
        self._client: Redis | None = None
        self._held: dict[int, Holder] = {}
        self._gpus: Mapping[str, Sequence[str]] = {}
        """For each model on GPUs, the UUID of the GPU of each of its slots."""

    @property
    def store_url(self) -> str:
        """The artifact store's URL, absolute: the workers run in another folder."""
        url = self.settings.store_url or str(self.wanted.data / "store")
        return url if "://" in url else str(Path(url).expanduser().absolute())

    @property
    def holders(self) -> list[Holder]:
        """The slots that this stack's workers held when they became ready."""
        return sorted(self._held.values(), key=lambda holder: holder.slot)

    def start(self) -> bool:
        """Start everything and wait until all are ready; False when asked to stop meanwhile.

        Raises `SlotlineError` in one line: who did not come up, and that worker's own error.
        """
        for model in self.wanted.models:
            catalog()[model]
        self._make_folders()
        if not self.broker_url:
            self._start_redis()
        self._client = broker.client(self.broker_url)
        with broker.speaking(self.broker_url):
            self._client.ping()
        if self._redis:
            self._free_what_died()
        self._see_that_all_fit()
        self.workers = list(self._supervised())
        for worker in self.workers:
            worker.start()
        return self._wait_until_ready()

    def step(self) -> None:
        """Look at every process once and start again what died; raises `SlotlineError` when one dies too often."""
        now_s = time.monotonic()
        if self._redis and self._redis.pid is None:
            self._revive_redis(now_s)
        for worker in self.workers:
            if worker.due_s is not None:
                if now_s >= worker.due_s:
                    worker.start()
            elif worker.status is not None:
                self._bury(worker, now_s)
        self._note_holders()

    def stop(self, in_a_hurry: Callable[[], bool]) -> None:
        """Stop the workers, then Redis. They finish what runs, within SLOTLINE_DRAIN_S; `in_a_hurry` they give it back.

        What does not end in time is killed.
        """
        self._terminate()
        began, has_hurried, has_told = time.monotonic(), False, False
        deadline = began + self.settings.drain_s + STOP_LIMIT_S
        while any(worker.is_alive for worker in self.workers) and time.monotonic() < deadline:
            if time.monotonic() - began > TELL_AFTER_S and not has_told:
                has_told = True
                self._tell(f"what runs has {self.settings.drain_s:g} s to end; Ctrl-C again gives it back now")
            if in_a_hurry() and not has_hurried:
                has_hurried = True
                self._terminate()
                deadline = time.monotonic() + STOP_LIMIT_S
            time.sleep(POLL_S)
        for worker in self.workers:
            worker.kill()
        if self._client:
            self._client.close()
        if self._redis:
            self._redis.stop()
        if self._lock:
            self._lock.close()
            self._lock = None

    def _terminate(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(OSError):
                worker.terminate()

    # Start

    def _make_folders(self) -> None:
        data = self.wanted.data
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._lock = (data / "stack.json").open("a+")
        except OSError as exc:
            raise SettingsError(f"--data: {data} cannot be written ({exc.strerror}); name another folder") from exc

    def _start_redis(self) -> None:
        before = self._take_lock()
        if url := before.get("broker_url"):
            _wait_until_gone(str(url), int(before.get("redis_pid", 0)))
        port = self.wanted.redis_port
        last = int(before.get("port", 0))
        # The same port as last time keeps what people exported true.
        if not port and last and _is_free(last):
            port = last
        self._redis = EmbeddedRedis(self.wanted.data / "redis", port, append_only=True)
        self.broker_url = self._redis.start()
        self._write_lock()

    def _take_lock(self) -> dict[str, Any]:
        """Hold the data folder; what the last stack wrote down. Two servers on one append-only file would ruin it."""
        assert self._lock is not None
        self._lock.seek(0)
        try:
            told = json.loads(self._lock.read() or "{}")
        except ValueError:
            told = {}
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SlotlineError(
                f"another stack (pid {told.get('pid', '?')}) runs with the data in {self.wanted.data}: use it "
                f"(export CELERY_BROKER_URL={told.get('broker_url', '…')}), stop it, or name another --data"
            ) from None
        return told if isinstance(told, dict) else {}

    def _write_lock(self) -> None:
        assert self._lock is not None
        assert self._redis is not None
        told = {
            "pid": os.getpid(),
            "redis_pid": self._redis.pid,
            "port": self._redis.port,
            "broker_url": self.broker_url,
        }
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(json.dumps(told))
        self._lock.flush()

    def _free_what_died(self) -> None:
        """Free the slots of a stack that was killed: nobody else's workers reach this Redis before it has started."""
        assert self._client is not None
        with broker.speaking(self.broker_url):
            for holder in holders(self._client):
                if not _lives(holder.pid):
                    free(self._client, holder)

    def _see_that_all_fit(self) -> None:
        """Give each slot on a GPU its GPU, or raise before anything is started that would not fit."""
        assert self._client is not None
        with broker.speaking(self.broker_url):
            found = fit(self._client, self.wanted.models, catalog(), self.settings)
        self._gpus = found.uuids
        for line in found.lines:
            self._tell(line)

    def _supervised(self) -> Iterator[Supervised]:
        home = code_home()
        made = environment(self._environment())
        for model, slots in self.wanted.models.items():
            for number in range(1, slots + 1):
                command = celery_command("worker", "--model", model)
                pinned = {"CUDA_VISIBLE_DEVICES": self._gpus[model][number - 1]} if model in self._gpus else {}
                log = self._log(f"{model}-{number}")
                yield Supervised(f"{model} worker {number}", command, log, {**made, **pinned}, home)
        if self.wanted.flow:
            command = celery_command("worker", "-Q", "flow", "-c", str(self.wanted.flow))
            yield Supervised("flow worker", command, self._log("flow"), made, home)

    def _environment(self) -> dict[str, str]:
        wanted_slots = sum(self.wanted.models.values())
        made = {
            "CELERY_BROKER_URL": self.broker_url,
            "CELERY_RESULT_BACKEND": "",
            "SLOTLINE_STORE_URL": self.store_url,
            "SLOTLINE_MODELS": str(catalog_path().absolute()),
            "SLOTLINE_LAZY": str(self.wanted.lazy),
            "SLOTLINE_CPU_SLOTS": str(max(self.settings.cpu_slots, wanted_slots)),
        }
        if self._redis and not os.environ.get("SLOTLINE_LEASE_S"):
            made["SLOTLINE_LEASE_S"] = str(LOCAL_LEASE_S)
        return made

    def _log(self, name: str) -> Path:
        path = self.logs / f"{name}.log"
        path.unlink(missing_ok=True)
        return path

    def _wait_until_ready(self) -> bool:
        limit_s = READY_MARGIN_S + self._load_limit_s()
        deadline = time.monotonic() + limit_s
        while True:
            if self._stopping():
                return False
            for worker in self.workers:
                if worker.status is not None:
                    ended, words = worker.how_it_ended(), worker.last_words()
                    raise SlotlineError(f"{worker.name} did not start ({ended}): {words} (log: {worker.log})")
            self._note_holders()
            late = [worker for worker in self.workers if worker.pid not in self._held]
            if not late:
                return True
            if time.monotonic() > deadline:
                raise SlotlineError(
                    f"{late[0].name} is not ready after {limit_s:g} s: {late[0].last_words()} (log: {late[0].log})"
                )
            time.sleep(POLL_S)

    def _load_limit_s(self) -> float:
        """How long loading may take: at the same time on CPUs, one after the other on each GPU."""
        limits = {model: catalog()[model].load_limit_s for model in self.wanted.models}
        in_turn: dict[str, float] = {}
        for model, uuids in self._gpus.items():
            for uuid in uuids:
                in_turn[uuid] = in_turn.get(uuid, 0.0) + limits[model]
        return max([*limits.values(), *in_turn.values()], default=0.0)

    def _note_holders(self) -> None:
        """Remember which slot each of our workers holds once it is ready."""
        ours = {worker.pid for worker in self.workers}
        if self._client is None or ours <= self._held.keys():
            return
        try:
            with broker.speaking(self.broker_url):
                found = holders(self._client)
        except BrokerUnavailable:
            return  # Redis is being started again; the next look tells
        self._held |= {holder.pid: holder for holder in found if holder.pid in ours and holder.ready}

    # While it runs

    def _bury(self, worker: Supervised, now_s: float) -> None:
        """A worker died: free its slot, and say when it starts again, or give up."""
        worker.deaths.append(now_s)
        ended, words = worker.how_it_ended(), worker.last_words()
        # Its child, should one be left, would still compute.
        worker.kill()
        holder = self._held.pop(worker.pid or 0, None)
        if holder and self._client:
            with contextlib.suppress(redis.RedisError):
                free(self._client, holder)
        delay_s = backoff_s(worker.deaths, now_s)
        if delay_s is None:
            raise SlotlineError(
                f"{worker.name} died {DEATHS_ALLOWED + 1} times, the last time by {ended}: {words} (log: {worker.log})"
            )
        worker.due_s = now_s + delay_s
        self._tell(f"{worker.name} ended ({ended}); it starts again in {delay_s:g} s (log: {worker.log})")

    def _revive_redis(self, now_s: float) -> None:
        assert self._redis is not None
        self._redis_deaths.append(now_s)
        if backoff_s(self._redis_deaths, now_s) is None:
            raise SlotlineError(f"the embedded Redis died {DEATHS_ALLOWED + 1} times (log in {self._redis.folder})")
        self._redis.start()
        self._write_lock()
        self._tell("the embedded Redis had ended; it runs again, with its data")


def _lives(pid: int) -> bool:
    """Whether the process runs. One that ended and is not reaped yet (no init in a container) does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in ("Z", "X")
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _wait_until_gone(url: str, pid: int) -> None:
    """Wait until the last stack's Redis has ended: when its stack was killed, it may still be writing."""
    deadline = time.monotonic() + STOP_LIMIT_S
    client = broker.client(url)
    try:
        while True:
            told: Any = client.info("server")
            if told.get("process_id") != pid:
                return
            if time.monotonic() > deadline:
                raise SlotlineError(f"the Redis of an earlier stack (pid {pid}) still runs at {url}; end it")
            time.sleep(POLL_S)
    except redis.RedisError:
        return
    finally:
        client.close()
