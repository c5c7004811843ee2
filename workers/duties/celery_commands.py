"""What a worker answers to Celery's own remote control commands that change it: each works, or is refused in one line.

docs/celery.md lists all commands. A refusal is answered as `{"error": …}`, which Celery's command and
Flower show, and it is logged. `why_refused` decides and is pure; `install` wraps Celery's commands. Guarantee:
no command gives a slot a second child or a second queue, and none leaves a flow worker without a process.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.routing import FLOW_QUEUE, queue_of
from workers.parent.pool import SlotPool
from workers.upstream.celery import wrap_command

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """A command as a worker got it: its name and arguments, the worker's one queue, its number of processes."""

    command: str
    arguments: Mapping[str, Any]
    is_slot: bool
    queue: str
    processes: int


def why_refused(asked: Asked) -> str:
    """Why the worker refuses the command, in one line; empty if it works."""
    return RULES[asked.command](asked)


def _one_child(asked: Asked) -> str:
    if asked.is_slot:
        return "a slot has one child with one model; the number of workers is the size of the pool"
    number = asked.arguments.get("n", 1)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        return f"n: {number!r} is not a number of processes"
    if asked.command == "pool_shrink" and number >= asked.processes:
        return f"n: of {asked.processes} processes at least one must stay"
    return ""


def _own_queue(asked: Asked) -> str:
    queue = asked.arguments.get("queue")
    return "" if queue == asked.queue else f"queue: this worker reads {asked.queue!r} and no other, not {queue!r}"


def _catalogs_limit(asked: Asked) -> str:
    return "a batch has one limit, time_limit_s of the model in the catalog" if asked.is_slot else ""


def _always(reason: str) -> Callable[[Asked], str]:
    return lambda asked: reason


RULES: Mapping[str, Callable[[Asked], str]] = {
    "add_consumer": _own_queue,
    "autoscale": _always("the number of workers is the size of the pool; start or stop workers"),
    "cancel_consumer": _own_queue,
    "election": _always("slotline's workers run without gossip"),
    "pool_grow": _one_child,
    "pool_restart": _always("restart the worker; its running batch ends first"),
    "pool_shrink": _one_child,
    "revoke_by_stamped_headers": _always("a stamp is known to no ledger; revoke by id"),
    "time_limit": _catalogs_limit,
}
"""Celery's commands that are refused, some of them only for certain workers or arguments."""


def install() -> None:
    """Wrap Celery's commands; harmless twice."""
    for name in RULES:
        wrap_command(name, functools.partial(_guarded, name))


def _guarded(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """Celery's command, which is only run if the worker does not refuse it."""

    @functools.wraps(original)
    def command(state: Any, **arguments: Any) -> Any:
        pool = state.consumer.pool
        is_slot = isinstance(pool, SlotPool)
        queue = queue_of(pool.spec.entry.name) if is_slot else FLOW_QUEUE
        if why := why_refused(Asked(name, arguments, is_slot, queue, pool.num_processes)):
            logger.warning("remote control: %s is refused: %s", name, why)
            return {"error": f"{name}: {why}"}
        return original(state, **arguments)

    return command
