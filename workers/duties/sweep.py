"""The sweep: sends again what was lost, sends what is due, was cancelled or named no queue, and forgets what is old.

Any worker can be the sweeper, one at a time: the one that holds the key `slotline:sweeper`.
The cost of a pass is bounded, however long the queues are and however many jobs there are:
it takes the jobs that were not looked at for longest. `Sweep.step` is one pass; the duty
`Sweeper` calls it on the worker's timer. The sweep decides nothing: one Lua script looks
after each job (`tasks/flow/ledger/lua/sweep.lua`), so a pass that is cut short, or made
twice at the same time, does no harm.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

from tasks.flow.connections import ledger
from tasks.flow.ends.outside import fail_lost, fail_overdue
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.delayed import Walk
from workers.duties.duty import PeriodicDuty

logger = logging.getLogger(__name__)

TERM_S = 5.0
"""When a sweeper dies, another one takes over within this time."""

JOBS_A_PASS = 20
LOOK = 1000
"""A pass searches this many messages of a queue for those of a job; in a longer queue it takes them to be there."""

PROMOTED_A_PASS = 200
OVERDUE_A_PASS = 50
ADDRESSED_A_PASS = 500
"""So many of the newest messages in each list of Celery's default queue a pass looks at, and as many of the others."""
FORGET_EVERY = 60
"""Passes from one that also forgets to the next such one."""

SCANNED = 1000


class Sweep:
    """One worker's sweep over one ledger. It stays the sweeper for `term_s` after each of its passes.

    `store_failure` stores Celery's result of a job that ends as FAILURE here.
    """

    def __init__(self, ledger: Ledger, store_failure: Callable[[str, Exception], None], term_s: float = TERM_S) -> None:
        self.ledger = ledger
        self._store_failure = store_failure
        self._term_ms = int(term_s * 1000)
        self._token = secrets.token_hex(8)
        self._passes = 0
        self._cursor = 0
        self._walk = Walk()

    def step(self) -> int:
        """One pass; gives the number of messages sent, 0 if another worker sweeps. Raises redis-py's errors."""
        if not self.ledger.upkeep.is_sweeper(self._token, self._term_ms):
            return 0
        self._walk = self.ledger.delayed.hasten(self._walk)
        sent = self.ledger.transitions.promote(PROMOTED_A_PASS)
        self._end_overdue()
        sent += self.ledger.unaddressed.address(ADDRESSED_A_PASS)
        for job_id in self.ledger.queries.open_jobs(JOBS_A_PASS):
            swept = self.ledger.transitions.sweep(job_id, LOOK)
            if swept.sent:
                logger.warning("lost and sent again, of job %s: %s", job_id, ", ".join(swept.sent))
                sent += len(swept.sent)
            for what in swept.given_up:
                self._give_up(job_id, what)
        if self._passes % FORGET_EVERY == 0:
            self._forget()
        self._passes += 1
        return sent

    def _end_overdue(self) -> None:
        for task_id, timeout_s in self.ledger.queries.overdue(OVERDUE_A_PASS):
            if error := fail_overdue(self.ledger, task_id, timeout_s):
                logger.warning("%s ends: %s", task_id, error)
                self._store_failure(task_id, error)

    def _give_up(self, job_id: str, what: str) -> None:
        logger.error("lost each time it was sent, of job %s: %s; it fails", job_id, what)
        if error := fail_lost(self.ledger, job_id, what):
            self._store_failure(job_id, error)

    def _forget(self) -> None:
        """Trim the lists that have no time to live, and set one for the reply queues that Celery leaves behind."""
        upkeep = self.ledger.upkeep
        oldest_ms = upkeep.oldest_ms()
        upkeep.trim_failed(oldest_ms)
        upkeep.trim_jobs(SCANNED)
        self.ledger.set_asides.trim(oldest_ms, SCANNED)
        self.ledger.set_asides.forget_dropped()
        self._cursor = upkeep.expire_reply_queues(self._cursor, SCANNED)


class Sweeper(PeriodicDuty):
    """A pass every second, in every worker; only the one that is the sweeper finds something to do."""

    interval_s = 1.0

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._sweep: Sweep | None = None

    def step(self) -> None:
        """One pass, over the ledger of the worker's own application."""
        app = self.consumer.app
        self._sweep = self._sweep or Sweep(ledger(app), app.backend.mark_as_failure)
        self._sweep.step()
