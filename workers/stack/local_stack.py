"""The stack on this machine: an embedded Redis, slot workers and a flow worker, each a process of its own.

Duties: start them in order, start again what dies, stop them in order. One stack uses a data
folder at a time (`workers/stack/lock_file.py`). While it runs, the commands of this user find it
(`tasks/stacks/running.py`). Everything runs in the thread that calls; no
process outlives it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tasks.catalog import catalog, catalog_path
from tasks.errors import SettingsError, SlotlineError
from tasks.redis import broker
from tasks.settings import Settings
from tasks.stacks.running import StackFile
from workers.slots.holders import Holder
from workers.slots.placement import place_all
from workers.stack.embedded_redis import EmbeddedRedis
from workers.stack.lock_file import LastStack, LockFile
from workers.stack.ready_workers import ReadyWorkers
from workers.stack.wanted import Gpus, Wanted
from workers.stack.worker_process import DEATHS_ALLOWED, WorkerProcess, backoff_s

if TYPE_CHECKING:
    from redis import Redis

POLL_S = 0.1
READY_MARGIN_S = 60.0
"""Added to the model's own load limit: Python and Celery must start too, perhaps several at once on few cores."""

STOP_LIMIT_S = 15.0
"""How long a worker may take to end when nothing runs any more."""

HINT_AFTER_S = 3.0


class LocalStack:
    """Everything on this machine. `say` gets one line for people; `is_stopping` is asked while it starts.

    `is_private`: no other command is to find it, because it ends with the command that started it.
    """

    def __init__(
        self,
        wanted: Wanted,
        settings: Settings,
        say: Callable[[str], None],
        is_stopping: Callable[[], bool],
        is_private: bool = False,
    ) -> None:
        self.wanted = wanted
        self.settings = settings
        self.broker_url = wanted.broker_url or ""
        self.workers: list[WorkerProcess] = []
        self._say = say
        self._is_stopping = is_stopping
        self._is_private = is_private
        self._redis: EmbeddedRedis | None = None
        self._redis_deaths: list[float] = []
        self._lock: LockFile | None = None
        self._address: StackFile | None = None
        self._client: Redis | None = None
        self._ready: ReadyWorkers | None = None

    @property
    def holders(self) -> list[Holder]:
        """The slots that this stack's workers held when they became ready."""
        return self._ready.holders if self._ready else []

    @property
    def is_found(self) -> bool:
        """Whether the commands of this user find this stack."""
        return self._address is not None

    def start(self) -> bool:
        """Start everything and wait until all are ready; False if it is asked to stop before that.

        Raises `SlotlineError` in one line: which worker did not start, and that worker's own error.
        """
        self.wanted.check_models()
        self._lock = LockFile.open(self.wanted.data, self._is_private)
        # The folder has the workers' logs too, so it is one stack's alone, whoever brings Redis.
        last = self._lock.take()
        self._make_folder_of_logs()
        if self.broker_url:
            self._lock.write(None, last.port, self.broker_url)
        else:
            self._start_redis(self._lock, last)
        self._client = broker.client(self.broker_url)
        with broker.speaking(self.broker_url):
            self._client.ping()
        if not self._is_private:
            self._leave_address()
        self._ready = ReadyWorkers(self._client, self.broker_url)
        if self._redis:
            self._ready.free_dead()
        gpus = self._place_models(self._client)
        self.workers = list(self.wanted.workers(self.broker_url, self.settings, gpus))
        for worker in self.workers:
            worker.start()
        return self._ready.wait(self.workers, READY_MARGIN_S + self.wanted.load_limit_s(gpus), self._is_stopping)

    def step(self) -> None:
        """Check every process once and restart dead ones; raises `SlotlineError` if one dies too often."""
        now_s = time.monotonic()
        if self._redis and self._redis.pid is None:
            self._restart_redis(self._redis, now_s)
        for worker in self.workers:
            if worker.due_s is not None:
                if now_s >= worker.due_s:
                    worker.start()
            elif worker.status is not None:
                self._worker_died(worker, now_s)
        if self._ready:
            self._ready.look(self.workers)

    def stop(self, is_urgent: Callable[[], bool]) -> None:
        """Stop the workers, then Redis. A worker finishes what runs, within SLOTLINE_DRAIN_S.

        When `is_urgent` says so, it gives back what runs. What does not end in time is killed.
        """
        if self._address:  # first, so that nothing new is sent to a stack that stops
            self._address.remove()
        self._stop_workers(is_urgent)
        if self._client:
            self._client.close()
        if self._redis:
            self._redis.stop()
        if self._lock:
            self._lock.close()
            self._lock = None

    def _stop_workers(self, is_urgent: Callable[[], bool]) -> None:
        self._terminate_workers()
        began, was_urgent, has_hinted = time.monotonic(), False, False
        deadline = began + self.settings.drain_s + STOP_LIMIT_S
        while any(worker.is_alive for worker in self.workers) and time.monotonic() < deadline:
            if time.monotonic() - began > HINT_AFTER_S and not has_hinted:
                has_hinted = True
                self._say(f"running batches have {self.settings.drain_s:g} s to end; Ctrl-C again gives them back now")
            if is_urgent() and not was_urgent:
                was_urgent = True
                self._terminate_workers()
                deadline = time.monotonic() + STOP_LIMIT_S
            time.sleep(POLL_S)
        for worker in self.workers:
            worker.kill()

    def _terminate_workers(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(OSError):
                worker.terminate()

    def _leave_address(self) -> None:
        try:
            models = str(catalog_path().absolute())
            store_url, options = self.wanted.store_url(self.settings), self.wanted.redis_options(self.settings)
            self._address = StackFile.leave(self.broker_url, store_url, models, options)
        except (SettingsError, OSError) as exc:
            self._say(f"other commands do not find this stack, export its address: {exc}")

    def _make_folder_of_logs(self) -> None:
        try:
            self.wanted.logs.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            data = self.wanted.data
            raise SettingsError(f"--data: {data} cannot be written ({exc.strerror}); name another folder") from exc

    def _start_redis(self, lock: LockFile, last: LastStack) -> None:
        last.wait_for_redis_to_end()
        port = self.wanted.redis_port or last.free_port
        self._redis = EmbeddedRedis(self.wanted.data / "redis", port, append_only=True)
        self.broker_url = self._redis.start()
        lock.write(self._redis.pid, self._redis.port, self.broker_url)

    def _restart_redis(self, server: EmbeddedRedis, now_s: float) -> None:
        self._redis_deaths.append(now_s)
        if backoff_s(self._redis_deaths, now_s) is None:
            raise SlotlineError(f"the embedded Redis died {DEATHS_ALLOWED + 1} times (log in {server.folder})")
        server.start()
        if self._lock:
            self._lock.write(server.pid, server.port, self.broker_url)
        self._say("the embedded Redis had ended; it runs again, with its data")

    def _place_models(self, client: Redis) -> Gpus:
        """The GPU of each slot on GPUs; raises `NoFreeSlot` before anything is started that would not fit."""
        with broker.speaking(self.broker_url):
            placement = place_all(client, self.wanted.models, catalog(), self.settings)
        for line in placement.lines:
            self._say(line)
        return placement.uuids

    def _worker_died(self, worker: WorkerProcess, now_s: float) -> None:
        """Free its slot, and say when it starts again; raises `SlotlineError` when it died too often."""
        worker.deaths.append(now_s)
        ended, words = worker.how_it_ended(), worker.last_words()
        # If its child is still alive, it would go on computing.
        worker.kill()
        if self._ready:
            self._ready.free_slot_of(worker)
        delay_s = backoff_s(worker.deaths, now_s)
        if delay_s is None:
            raise SlotlineError(
                f"{worker.name} died {DEATHS_ALLOWED + 1} times, the last time by {ended}: {words} (log: {worker.log})"
            )
        worker.due_s = now_s + delay_s
        self._say(f"{worker.name} ended ({ended}); it starts again in {delay_s:g} s (log: {worker.log})")
