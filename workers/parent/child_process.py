"""The slot's one child process: Celery's process pool with one process, which runs one call as long as it lives.

Each child that is forked gets a link, a line for its sidecar, and a page. `supervisor.py` decides whether and when a
child is started; `pipeline/` hears its sidecar.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from billiard.pool import RUN
from celery.concurrency.asynpool import AsynPool

from workers.parent.pipeline.flight import Flight
from workers.parent.supervisor import Supervisor
from workers.upstream.billiard import how_it_ended
from workers.wire.child_entry import ChildEnds, ChildEntry
from workers.wire.frames import frame_pair
from workers.wire.link import SEND_LIMIT_S, pair
from workers.wire.page import Page

logger = logging.getLogger(__name__)

COLLECT_EVERY_S = 0.02


class ChildPool(AsynPool):
    """Celery's pool with one process, which is started only when the supervisor allows it.

    `drain` is called at a warm shutdown, when the event loop turns no more; it returns when nothing is in flight.
    """

    def __init__(
        self,
        *args: Any,
        supervisor: Supervisor,
        entry: ChildEntry,
        flight: Flight,
        drain: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        self.supervisor = supervisor
        self.entry = entry
        self.flight = flight
        self.drain = drain
        self._serves: Any = None
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

    def on_process_alive(self, pid: int) -> None:
        """Celery's pool hears that the child is up: from now on it serves."""
        super().on_process_alive(pid)
        if self._state == RUN:
            self._serves = self.apply_async(self.entry.serve, (), error_callback=self._served)

    def join(self) -> None:
        """The end of a warm shutdown: what is in flight ends, then the child."""
        self.drain()
        self._take_back()
        self.flight.kill(is_planned=True, is_error=False)
        super().join()

    def collect(self) -> None:
        """Notice that the child has died, while the event loop does not turn."""
        if self._pool:
            self._join_exited_workers(shutdown=True)

    def _served(self, einfo: ExceptionInfo) -> None:
        """The child's call has ended with an error: its process has died, or has failed outside its runs."""
        error = getattr(einfo.exception, "exc", einfo.exception)
        if not isinstance(error, WorkerLostError):
            logger.error("the child failed outside its runs, and is replaced: %r\n%s", error, einfo.traceback)
            self.kill()

    def _take_back(self) -> None:
        """Celery's pool would wait for this call's end, or give it to the next child as well."""
        if self._serves is not None:
            self._serves.discard()
            if self._serves in self.outbound_buffer:
                self.outbound_buffer.remove(self._serves)
            self._serves = None

    def _create_worker_process(self, i: int) -> Any:
        (link, childs_end), (line, sidecars_line), page = pair(), frame_pair(SEND_LIMIT_S), Page()
        spec, refused = self.supervisor.spec, self.supervisor.variants.refused
        ends = ChildEnds(childs_end, link, sidecars_line, line, page)
        self._initializer = functools.partial(self.entry.begin, ends, spec, refused)
        try:
            process = super()._create_worker_process(i)
        finally:
            childs_end.close()
            sidecars_line.close()
        self.supervisor.started(process.pid, link)
        self.flight.began(process.pid, line, page)
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
                self._take_back()
                self._ended(process.pid, process.exitcode or 0)
        return codes

    def _ended(self, pid: int, exitcode: int) -> None:
        self.supervisor.catch_up()
        was_loading = self.supervisor.is_loading or bool(self.supervisor.variants.current)
        self.flight.child_died(pid, how_it_ended(exitcode), was_loading=was_loading)
        self.supervisor.ended(exitcode, is_stopping=self._state != RUN)

    def _repopulate_pool(self, exitcodes: Any) -> None:
        if self.supervisor.may_start:
            super()._repopulate_pool(exitcodes)
