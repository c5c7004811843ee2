"""Stores what a run made as soon as it has come, where that takes long: encoding film, above all.

The away thread takes all that has come in one round, so a result would wait until those before it are stored. Several
runs are stored at the same time here, and the away thread gets what was stored. Guarantees: the page names each batch
whose results are stored; what has come is stored and handed on, also if the child has died.
"""

from __future__ import annotations

import concurrent.futures
import logging
import os
from concurrent.futures import Future, ThreadPoolExecutor

from tasks.exit_codes import FAILED
from workers.sidecar.shared.away_work import AwayWork
from workers.sidecar.shared.done import DoneQueue, RunCame, RunStored
from workers.sidecar.stages.put_away import store_all

logger = logging.getLogger(__name__)

RUNS_AT_ONCE = 4
"""As many as a slot has in flight, at most."""


class Storing:
    """The results' thread calls it; `done` is the away thread's queue."""

    def __init__(self, away_work: AwayWork, done: DoneQueue) -> None:
        self._away_work = away_work
        self._done = done
        self._threads = ThreadPoolExecutor(RUNS_AT_ONCE, thread_name_prefix="storing")
        self._open: set[Future[None]] = set()

    def came(self, came: RunCame) -> None:
        """Hand a run's results on: as they are, or when they are stored if that takes long."""
        if not any(work.first.craft.takes_long for work in came.run.work):
            self._done.put(came)
            return
        self._open = {one for one in self._open if not one.done()}
        future = self._threads.submit(self._store, came)
        future.add_done_callback(_checked)
        self._open.add(future)

    def wait(self) -> None:
        """Wait until all that has come is stored and handed on."""
        concurrent.futures.wait(self._open)

    def _store(self, came: RunCame) -> None:
        with self._away_work.on([came.run.batch.number]):
            self._done.put(RunStored(came, store_all(came.computed())))


def _checked(future: Future[None]) -> None:
    """An error of slotline itself ends the process, as in its other threads: else the run would have no answer."""
    if (error := future.exception()) is not None:
        logger.error("the sidecar cannot store what a run made", exc_info=error)
        os._exit(FAILED)
