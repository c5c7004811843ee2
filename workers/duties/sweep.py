"""The sweep: what should be under way and is nowhere is sent again; what is due is sent; what is old is forgotten.

One worker sweeps at a time, any worker can be it: who holds `slotline:sweeper` does. A
pass is bounded, whatever the length of the queues and the number of jobs: it takes the
jobs that were not looked at for longest. `Sweep.step` is one pass and can be called
alone; `Sweeper` calls it on the worker's own timer. It decides nothing: each job is
looked after by one Lua script (`tasks/flow/ledger/lua/sweep.lua`), so that a pass cut short or
made twice at once does no harm.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any

from tasks.flow.connections import ledger
from tasks.flow.ledger import Ledger
from workers.duties.duty import Duty

logger = logging.getLogger(__name__)

TERM_S = 5.0
"""A sweeper that dies is followed within this."""

JOBS_A_PASS = 20
LOOK = 1000
"""Messages of one queue that a pass looks through for a job; beyond, the next pass knows more."""

PROMOTED_A_PASS = 200
FORGET_EVERY = 60
"""Passes between two of forgetting."""

SCANNED = 1000


class Sweep:
    """One worker's sweep over one ledger; `term_s` is how long it is the sweeper without a further pass."""

    def __init__(self, ledger: Ledger, term_s: float = TERM_S) -> None:
        self.ledger = ledger
        self._term_ms = int(term_s * 1000)
        self._token = secrets.token_hex(8)
        self._passes = 0
        self._cursor = 0

    def step(self) -> int:
        """One pass; how many messages were sent. 0 where another worker sweeps. Raises redis-py's errors."""
        if not self.ledger.upkeep.is_sweeper(self._token, self._term_ms):
            return 0
        sent = self.ledger.transitions.promote(PROMOTED_A_PASS)
        for job_id in self.ledger.queries.open_jobs(JOBS_A_PASS):
            if again := self.ledger.transitions.sweep(job_id, LOOK):
                logger.warning("lost and sent again, of job %s: %s", job_id, ", ".join(again))
                sent += len(again)
        if self._passes % FORGET_EVERY == 0:
            self._forget()
        self._passes += 1
        return sent

    def _forget(self) -> None:
        """Trim the lists that have no time to live of their own, and give Celery's forgotten reply queues one."""
        upkeep = self.ledger.upkeep
        oldest_ms = upkeep.oldest_ms()
        upkeep.trim_failed(oldest_ms)
        upkeep.trim_jobs(SCANNED)
        self.ledger.set_asides.trim(oldest_ms, SCANNED)
        self._cursor = upkeep.expire_reply_queues(self._cursor, SCANNED)


class Sweeper(Duty):
    """A pass every second, in every worker; only the one that is the sweeper finds something to do."""

    interval_s = 1.0

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._sweep: Sweep | None = None

    def step(self) -> None:
        """One pass, over the ledger of the worker's own application."""
        self._sweep = self._sweep or Sweep(ledger(self.consumer.app))
        self._sweep.step()
