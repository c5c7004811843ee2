"""Which workers of a job are missing now: a line for each queue that no ready worker reads. Starts none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.routing import FLOW_QUEUE

if TYPE_CHECKING:
    from tasks.flow.ledger import Ledger

LOOK_EVERY_S = 10.0
"""Someone who submits one job after the other gets a line no more often than this."""


def missing(ledger: Ledger, model: str, needs_flow: bool) -> list[str]:
    """What is missing for a job of this model; `needs_flow`: the job is opened and finished by a flow worker."""
    lines = []
    if needs_flow and not ledger.queries.has_worker(FLOW_QUEUE):
        lines.append(_line("no flow worker", "-Q flow"))
    if not ledger.queries.has_worker(model):
        lines.append(_line(f"no worker of {model}", f"--model {model}"))
    return lines


def _line(who: str, option: str) -> str:
    return f"{who} is ready yet; this waits for one (celery -A workers worker {option}, or slotline up)"


class MissingWorkers:
    """Looks for the missing workers of one job after the other, at most every few seconds for the same ones."""

    def __init__(self) -> None:
        self._looked_at: dict[tuple[str, bool], float] = {}

    def news(self, ledger: Ledger, model: str, needs_flow: bool, now_s: float) -> list[str]:
        """The lines, or none if they were looked for a moment ago; `now_s` is of any steady clock."""
        last = self._looked_at.get((model, needs_flow))
        if last is not None and now_s - last < LOOK_EVERY_S:
            return []
        self._looked_at[model, needs_flow] = now_s
        return missing(ledger, model, needs_flow)
