"""Notices that a slot's model was paused or resumed, also while the slot is full and looks for no messages.

Redis decides what begins: the reserve takes nothing of a paused model, and a run is refused where it begins
(`tasks/flow/ledger/lua/claim.lua`). This only makes a slot give back early what it has taken and not begun.
"""

from __future__ import annotations

from tasks.flow.connections import ledger
from workers.duties.duty import PeriodicDuty
from workers.parent.pool import SlotPool


class Pause(PeriodicDuty):
    """Asks once a second whether the slot's model is paused."""

    interval_s = 1.0
    slot_workers_only = True

    def step(self) -> None:
        """Ask once."""
        pool: SlotPool = self.consumer.pool
        pool.dispatcher.pause(ledger(self.consumer.app).queries.is_paused(pool.spec.entry.name))
