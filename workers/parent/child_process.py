"""The slot's one child process: Celery's process pool with one process, and a link to each child that it forks.

`supervisor.py` decides whether and when a child is started.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

from billiard.pool import RUN
from celery.concurrency.asynpool import AsynPool

from workers.parent.supervisor import Supervisor
from workers.wire.child_entry import ChildEntry
from workers.wire.link import pair

COLLECT_EVERY_S = 0.02
ACCEPTED_WITHIN_S = 0.5
"""A child that gets a call accepts it within milliseconds, unless it is frozen."""


class ChildPool(AsynPool):
    """Celery's pool with one process: each child gets a link, and is started only when the supervisor allows it."""

    def __init__(self, *args: Any, supervisor: Supervisor, entry: ChildEntry, **kwargs: Any) -> None:
        self.supervisor = supervisor
        self.entry = entry
        super().__init__(*args, **kwargs)

    @property
    def has_child(self) -> bool:
        """Whether the child's process lives."""
        return any(process._is_alive() for process in self._pool)

    def kill(self, number: int = signal.SIGKILL, is_planned: bool = False) -> None:
        """Send a signal to the child, if there is one; `is_planned`: it runs nothing, and its end is not an error."""
        for process in self._pool:
            if is_planned:
                process._controlled_termination = True  # billiard's own mark
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """Send a call, and write it at once; Celery would write it after the transport's next round trip."""
        result = super().apply_async(*args, **kwargs)
        write = self.supervisor.loop.consolidate_callback
        if write is not None and self.outbound_buffer and (idle := self._all_inqueues - self._active_writes):
            with contextlib.suppress(OSError):  # the child has just died, which is handled elsewhere
                write(list(idle))
        return result

    def hear(self, until: Callable[[], bool], limit_s: float = ACCEPTED_WITHIN_S) -> None:
        """Read the child's messages until `until()` is true; the event loop does not run in this time."""
        deadline, poller = time.monotonic() + limit_s, select.poll()
        for process in self._pool:
            poller.register(process.outqR_fd, select.POLLIN)
        while not until() and (left_s := deadline - time.monotonic()) > 0:
            for pipe, event in poller.poll(left_s * 1000):
                if not event & select.POLLIN:  # the child has died
                    return
                self.handle_result_event(pipe)

    def is_sent(self, result: Any) -> bool:
        """Whether the call was written to the child; else it is still in the pool's buffer."""
        return result not in self.outbound_buffer

    def take_back(self, result: Any) -> None:
        """Drop a call that the child has not begun."""
        result.discard()
        if result in self.outbound_buffer:
            self.outbound_buffer.remove(result)

    def _create_worker_process(self, i: int) -> Any:
        link, childs_end = pair()
        spec, refused = self.supervisor.spec, self.supervisor.variants.refused
        self._initializer = functools.partial(self.entry.begin, childs_end, link, spec, refused)
        try:
            process = super()._create_worker_process(i)
        finally:
            childs_end.close()
        self.supervisor.started(process.pid, link)
        return process

    def _event_process_exit(self, hub: Any, proc: Any) -> None:
        super()._event_process_exit(hub, proc)
        # The child's pipe closes a little before the child can be collected (longer with a core dump).
        # Celery checks once, and then only every five seconds.
        if proc in self._pool and self._state == RUN:
            hub.call_later(COLLECT_EVERY_S, self._event_process_exit, hub, proc)

    def _join_exited_workers(self, shutdown: bool = False) -> Any:
        before = list(self._pool)
        codes = super()._join_exited_workers(shutdown)
        # Only children that Celery has collected: one may have died in between.
        for process in before:
            if process not in self._pool:
                self.supervisor.ended(process.exitcode or 0, is_stopping=self._state != RUN)
        return codes

    def _repopulate_pool(self, exitcodes: Any) -> None:
        if self.supervisor.may_start:
            super()._repopulate_pool(exitcodes)
