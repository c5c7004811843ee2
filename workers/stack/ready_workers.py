"""Which of a stack's workers are ready, and in which slot: read from the claims in Redis.

Waits until all are ready, and frees the slot of one that died. Starts and stops nothing.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redis import RedisError

from tasks.errors import BrokerUnavailable, SlotlineError
from tasks.redis import broker
from tasks.shared_store.users import free_dead
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupted
from workers.slots.claim import host_id
from workers.slots.holders import Holder, free, holders
from workers.stack.worker_process import WorkerProcess

if TYPE_CHECKING:
    from redis import Redis

POLL_S = 0.1


class ReadyWorkers:
    """The workers of one stack that became ready, by their processes; `client` is the broker's at `broker_url`."""

    def __init__(self, client: Redis, broker_url: str) -> None:
        self._client = client
        self._broker_url = broker_url
        self._held: dict[int, Holder] = {}

    @property
    def holders(self) -> list[Holder]:
        """The slots that the workers held when they became ready, by name."""
        return sorted(self._held.values(), key=lambda holder: holder.slot)

    def free_dead(self) -> None:
        """Free what dead processes hold, slots and store: those of a killed stack, while no other uses this Redis."""
        with broker.speaking(self._broker_url):
            for holder in holders(self._client):
                if not _is_alive(holder.pid):
                    free(self._client, holder)
            free_dead(self._client, host_id(), _is_alive)

    def look(self, workers: Sequence[WorkerProcess]) -> None:
        """Remember the slot of each worker that has become ready; does nothing while Redis does not answer.

        A stop signal ends the look, and is left to whoever asked for it.
        """
        pids = {worker.pid for worker in workers}
        if pids <= self._held.keys():
            return
        try:
            with broker.speaking(self._broker_url):
                found = interrupt.call(functools.partial(holders, self._client))
        except (BrokerUnavailable, Interrupted):
            return
        self._held |= {holder.pid: holder for holder in found if holder.pid in pids and holder.ready}

    def wait(self, workers: Sequence[WorkerProcess], limit_s: float, is_stopping: Callable[[], bool]) -> bool:
        """Wait until all are ready; False if it is asked to stop before that.

        Raises `SlotlineError` with the worker's own last line when one ends, or is late.
        """
        deadline = time.monotonic() + limit_s
        while not is_stopping():
            for worker in workers:
                if worker.status is not None:
                    ended, words = worker.how_it_ended(), worker.last_words()
                    raise SlotlineError(f"{worker.name} did not start ({ended}): {words} (log: {worker.log})")
            self.look(workers)
            late = next((worker for worker in workers if worker.pid not in self._held), None)
            if late is None:
                return True
            if time.monotonic() > deadline:
                raise SlotlineError(
                    f"{late.name} is not ready after {limit_s:g} s: {late.last_words()} (log: {late.log})"
                )
            time.sleep(POLL_S)
        return False

    def free_slot_of(self, worker: WorkerProcess) -> None:
        """Free the slot of a worker that has died; without Redis it is free when its lease ends."""
        holder = self._held.pop(worker.pid or 0, None)
        if holder:
            with contextlib.suppress(RedisError):
                free(self._client, holder)


def _is_alive(pid: int) -> bool:
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
