"""The ledger: the record in Redis of a job's parts, and the only place that decides about them.

What is done, what comes next and whether a job is finished is decided by one Lua script
a step (`lua/*.lua`; each head names its keys and its guarantee), so there is no moment
between «settled» and «sent». This package only carries values in and out of the scripts;
it computes nothing and never waits.

A part is known by its number, from 1. A payload is one flag character followed by text
whose first line a person can read; only the job's kind reads more into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.flow.ledger.claims import Claims
from tasks.flow.ledger.delayed import Delayed
from tasks.flow.ledger.endings import Endings
from tasks.flow.ledger.queries import Queries
from tasks.flow.ledger.set_asides import SetAsides
from tasks.flow.ledger.transitions import Transitions
from tasks.flow.ledger.unaddressed import Unaddressed
from tasks.flow.ledger.upkeep import Upkeep
from tasks.redis.scripts import Scripts

if TYPE_CHECKING:
    from redis import Redis


class Ledger:
    """The ledger's parts, on one client of the broker's own Redis database."""

    def __init__(self, client: Redis) -> None:
        scripts = Scripts(client, "tasks.flow.ledger", shared=("set_aside", "delayed", "pace"))
        self.transitions = Transitions(client, scripts)
        self.claims = Claims(client, scripts)
        self.endings = Endings(scripts)
        self.queries = Queries(client)
        self.delayed = Delayed(client)
        self.set_asides = SetAsides(client, scripts)
        self.unaddressed = Unaddressed(client, scripts)
        self.upkeep = Upkeep(client, scripts)


__all__ = ["Ledger"]
