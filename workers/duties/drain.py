"""Drain: a worker that is asked to stop finishes what runs, within a time limit, and gives back the rest.

SIGTERM (docker stop, systemd) and SIGINT (Ctrl-C) ask it to stop; a second signal makes it
give back at once. From then on Celery takes nothing new, gives back what waits, and ends as
soon as nothing runs. This duty bounds how long that takes: it kills the child, so that its
requests go back to the front of their queues. The exit status stays 0. A worker that ends
for another reason (its slot is lost, its model cannot be loaded) is drained too.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from queue import Empty, SimpleQueue
from threading import Thread
from types import FrameType
from typing import Any

from celery import bootsteps

from tasks.exit_codes import DONE
from tasks.settings import settings
from workers.transport.lease_step import LeaseStep, kill_processes
from workers.upstream.celery import exit_status, is_cold_shutdown, is_stopping, stop_worker

logger = logging.getLogger(__name__)

BY_ITSELF = "the worker stops"
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
LAST_S = 10.0
"""How long a worker may take to end when nothing runs any more. Then it is ended, as Redis may be silent."""

KILL_EVERY_S = 0.5


class Drain(bootsteps.StartStopStep):
    """Bootstep of the worker itself, started after the pool and before it connects."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        self._worker = worker
        # Its `put` is safe in a signal handler, at any point of the program.
        self._asked: SimpleQueue[str] = SimpleQueue()
        self._is_asked = False
        self._thread = Thread(target=self._run, name="drain", daemon=True)
        super().__init__(worker, **kwargs)

    def start(self, worker: Any) -> None:
        """Replace Celery's signal handlers: with those, Ctrl-C ends with status 1, twice without a shutdown."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        self._thread.start()

    def close(self, worker: Any) -> None:
        """The worker stops, for any reason; on SIGQUIT (Celery's cold shutdown) what runs gets no time."""
        if not self._is_asked:
            self._ask(BY_ITSELF)
        if is_cold_shutdown():
            self._ask("cold shutdown")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not is_stopping():
            stop_worker(DONE)
        self._ask(signal.Signals(number).name)

    def _ask(self, why: str) -> None:
        self._is_asked = True
        self._asked.put(why)

    def _run(self) -> None:
        limit_s = settings().drain_s
        asked = self._asked.get()
        # A worker that ends by itself has logged why; that should be its last line.
        level = logging.DEBUG if asked == BY_ITSELF else logging.INFO
        logger.log(level, "%s: no new messages; the running batch has %g s to end", asked, limit_s)
        try:
            why = f"asked again ({self._asked.get(timeout=limit_s)})"
        except Empty:
            why = f"SLOTLINE_DRAIN_S = {limit_s:g} is over"
        logger.warning("%s: running messages go back to the front of their queue", why)
        self._end()

    def _end(self) -> None:
        pool = self._worker.pool
        deadline = time.monotonic() + LAST_S
        while time.monotonic() < deadline:
            getattr(pool, "give_back_running", lambda: kill_processes(pool))()
            time.sleep(KILL_EVERY_S)
        logger.critical("the worker does not end by itself; it is ended, and gives back the messages that it holds")
        kill_processes(pool)
        try:
            for step in self._worker.consumer.steps:
                if isinstance(step, LeaseStep):
                    step.finish()
        finally:
            os._exit(exit_status())
