"""Which kind of worker the command line asks for, what it is named, and which options are refused. Pure.

A worker is either a slot worker (`--model NAME`) or a flow worker (`-Q flow`). The slot
decides about its one child, its pool, its limits and its queue, so no option may.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import SettingsError
from tasks.routing import FLOW_QUEUE

BOTH = "slotline's workers start as `celery -A workers worker --model NAME` or `celery -A workers worker -Q flow`"

NOT_FOR_ANY = {
    "autoscale": "--autoscale: the number of workers is the size of the pool; start more of them",
    "beat": "-B: beat would run once a worker; start it as a process of its own: celery -A workers beat",
    "exclude_queues": "-X: a worker reads one queue, its model's or flow",
    "purge": "--purge: the messages of jobs that wait would be lost; end a job with `slotline cancel ID`",
    "schedule_filename": "-s: it belongs to beat, which is a process of its own: celery -A workers beat",
    "scheduler": "--scheduler: it belongs to beat, which is a process of its own: celery -A workers beat",
    "loader": "--loader: slotline has its own; leave it out",
    "config": "--config: slotline's settings come from the environment; leave it out",
}
NOT_FOR_SLOTS = {
    "time_limit": "--time-limit: set time_limit_s of the model in the catalog",
    "soft_time_limit": "--soft-time-limit: a batch has one limit, time_limit_s of the model in the catalog",
    "max_tasks_per_child": "--max-tasks-per-child: each new child would load the model again",
    "max_memory_per_child": "--max-memory-per-child: set recycle_rss_gb of the model in the catalog",
    "prefetch_multiplier": "--prefetch-multiplier: a slot holds two batches; set batch_size in the catalog",
    "disable_prefetch": "--disable-prefetch: a slot holds two batches; set batch_size in the catalog",
}
SETTINGS_NOT_FOR_SLOTS = {
    "task_time_limit": "time_limit",
    "task_soft_time_limit": "soft_time_limit",
    "worker_max_tasks_per_child": "max_tasks_per_child",
    "worker_max_memory_per_child": "max_memory_per_child",
}
"""Celery's settings that mean the same as a refused option; `celeryconfig.py` may have them for flow workers."""

HAVE_DEFAULTS = frozenset({"schedule_filename", "prefetch_multiplier", "disable_prefetch"})
"""Options that have a value also when they are not given."""


@dataclass(frozen=True)
class WorkerKind:
    """`model` is a slot worker's; None means a flow worker. `is_lazy`: `--lazy` was given."""

    model: str | None
    is_lazy: bool = False


def kind_of(
    options: Mapping[str, Any], is_prefork: bool, given: Collection[str] = (), settings: Sequence[str] = ()
) -> WorkerKind:
    """The kind of worker that Celery's own options (by their names) ask for.

    `is_prefork`: whether `-P` is left alone. `given` has the names of those that are on the command line,
    `settings` its words `NAME=VALUE`. Raises `SettingsError` of one line that names the option at fault.
    """
    model, queues = options.get("model"), list(options.get("queues") or [])
    if not model and not queues:
        raise SettingsError(f"--model: missing; {BOTH}")
    if model and queues:
        raise SettingsError(f"-Q: a slot worker reads the queue of its model alone; {BOTH}")
    if not model and queues != [FLOW_QUEUE]:
        raise SettingsError(f"-Q {','.join(queues)}: without --model it must be exactly `flow`; {BOTH}")
    if not is_prefork:
        raise SettingsError("-P: slotline needs Celery's own pool (prefork); leave -P out")
    if options.get("pool_start_method") == "spawn":
        raise SettingsError("--pool-start-method spawn: slotline's workers fork their children; leave it out")
    if options.get("lazy") and not model:
        raise SettingsError("--lazy: a flow worker has no model to load; leave it out")
    if settings:
        raise SettingsError(f"{settings[0]}: a worker takes no settings here; {BOTH}, with settings in the environment")
    asked = {name for name, value in options.items() if value and name not in HAVE_DEFAULTS} | set(given)
    _refuse(asked, NOT_FOR_ANY)
    if model:
        _refuse(asked, NOT_FOR_SLOTS)
        _check_slot(options)
    return WorkerKind(model or None, bool(options.get("lazy")))


def check_settings(conf: Mapping[str, Any]) -> None:
    """Raise `SettingsError` for a setting of Celery's that no slot worker may have."""
    for name, option in SETTINGS_NOT_FOR_SLOTS.items():
        if conf.get(name):
            raise SettingsError(f"{name} (celeryconfig.py): {NOT_FOR_SLOTS[option].partition(': ')[2]}")


def node_of(given: str | None, hostname: str) -> str:
    """Where a worker is, as its claim needs it (`workers/slots/claim.py`), from `-n` as it was given, or from nothing.

    As with Celery, what has no `@` is a host, `%h` is the machine's `hostname`, `%n` its first part and `%d` the rest;
    `%i` is left for the slot. Raises `SettingsError` of one line.
    """
    name, _, host = (given or "").rpartition("@")
    first, _, rest = hostname.partition(".")
    known = {"h": hostname, "n": first, "d": rest, "i": "%i"}

    def expanded(part: str) -> str:
        full = re.sub(r"%(.?)", lambda found: known.get(found[1], found[0]), part)
        if odd := re.sub(r"%i|[\w.+-]", "", full):
            raise SettingsError(
                f"-n {given}: {odd[0]!r} cannot be in a worker's name; it has letters, digits and . _ + -, "
                "and %h (the hostname), %n, %d (its first part, the rest) and %i (the slot)"
            )
        return full

    if given:
        name, host = expanded(name), expanded(host)
        if "%i" in host:
            raise SettingsError(f"-n {given}: %i is the slot and belongs before the @")
    return f"{name}@{host or hostname}" if name else host or hostname


def _check_slot(options: Mapping[str, Any]) -> None:
    concurrency = options.get("concurrency")
    if concurrency not in (None, 1, "1"):
        raise SettingsError(f"-c {concurrency}: a slot worker has one child with one model; start more workers")


def _refuse(asked: Collection[str], reasons: Mapping[str, str]) -> None:
    for name, reason in reasons.items():
        if name in asked:
            raise SettingsError(reason)
