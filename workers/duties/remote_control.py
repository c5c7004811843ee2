"""Remote control of a slot's model: show its status, unload it, set after how much idle time it is unloaded.

These are Celery remote control commands: `slotline_model_status`, `slotline_model_unload`,
`slotline_model_timeout`. The parent's event loop answers them while its child computes. A
refusal is answered as `{"error": …}`, in one line. A flow worker has no model, and says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from celery.worker.control import control_command, inspect_command

from tasks.terminal.printable import counted
from workers.idle_timeout import IdleTimeout
from workers.parent.pool import SlotPool
from workers.wire.messages import Operation
from workers.wire.page import Stage
from workers.wire.state import LOADED, LOADING, State

STATUS = "slotline_model_status"
UNLOAD = "slotline_model_unload"
TIMEOUT = "slotline_model_timeout"

CHILD_ANSWERS_WITHIN_S = 0.5
"""Python code in the child may hold the interpreter for a moment. Native code may hold it for long: then no wait."""

SIDECAR_ANSWERS_WITHIN_S = 0.5

LEAST_TIMEOUT_S = 60.0
"""The shortest time-out that may be set here: a model that is unloaded after seconds would load all the time."""


def wrong_timeout(seconds: Any) -> str:
    """Why `seconds` cannot be a time-out, in one line; empty when it can."""
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if is_number and (seconds == 0 or LEAST_TIMEOUT_S <= seconds < float("inf")):
        return ""
    return f"time-out: {seconds!r} is neither 0 (never unload) nor {LEAST_TIMEOUT_S:g} seconds or more"


@inspect_command(name=STATUS, visible=False)
def status(state: Any, **_: Any) -> dict[str, Any]:
    """The status of this slot's model."""
    pool = state.consumer.pool
    if not isinstance(pool, SlotPool):
        return _no_slot()
    from_child = pool.supervisor.ask_status(CHILD_ANSWERS_WITHIN_S)
    if from_child is not None:
        from_child = with_stats(from_child, pool.flight.ask_stats(SIDECAR_ANSWERS_WITHIN_S) or {})
    return status_of(pool, from_child)


def with_stats(from_child: Mapping[str, Any], stats: Mapping[str | None, Mapping[str, Any]]) -> dict[str, Any]:
    """The child's status, and for each model what its adapter in the sidecar counts of its own work (`stats`)."""
    found = {**from_child, "stats": stats.get(None, {})}
    if (registry := found.get("registry")) is not None:
        models = [{**one, "stats": stats.get(one["id"], {})} for one in registry["models"]]
        found["registry"] = {**registry, "models": models}
    return found


def status_of(pool: SlotPool, from_child: Mapping[str, Any] | None) -> dict[str, Any]:
    """All that parent and child know. `from_child` is None where it did not answer; `answers` then says so."""
    spec, busy_since, idle_s = pool.spec, pool.dispatcher.busy_since, pool.dispatcher.idle_s
    state = State.BUSY if busy_since is not None else pool.supervisor.state
    return {
        "model": spec.entry.name,
        "adapter": spec.entry.adapter,
        "slot": spec.worker.partition("@")[0],
        "device": spec.gpu.label if spec.gpu else spec.device,
        "state": state,
        "is_loading": state in LOADING,
        **(from_child or {}),
        "answers": from_child is not None,
        "parent": os.getpid(),
        "lazy": spec.is_lazy,
        "closed": pool.dispatcher.closed,
        "paused": pool.dispatcher.is_paused,
        "waiting": len(pool.dispatcher.pending),
        "in_flight": pool.dispatcher.in_flight,
        "hand_over": pool.hand_over.number,
        "stages_s": stages_s(pool),
        "idle_s": None if idle_s is None else round(idle_s, 1),
        "timeout_s": pool.idle_timeout.seconds,
        "timeout_set_by": pool.idle_timeout.origin,
        "batch_size": spec.batch_size,
        "recycled": pool.supervisor.recycling.count,
        "recycle_rss_gb": pool.supervisor.recycling.limit_gb,
    }


def stages_s(pool: SlotPool) -> dict[str, float]:
    """Seconds of the child that lives: how long it has computed and waited for work, and its sidecar's stages."""
    if (pipeline := pool.flight.current) is None:
        return {}
    page = pipeline.page
    found = {"waiting": page.waiting_s, "computing": page.computing_s}
    found |= {str(stage): page.stage(stage).total_s for stage in Stage}
    return {name: round(seconds, 2) for name, seconds in found.items()}


@control_command(name=UNLOAD, visible=False)
def unload(state: Any, **_: Any) -> dict[str, Any]:
    """Unload this slot's model; its next job loads it again. A model in use is not unloaded."""
    pool = state.consumer.pool
    return unload_of(pool) if isinstance(pool, SlotPool) else _no_slot()


def unload_of(pool: SlotPool) -> dict[str, Any]:
    """Begin to unload, or return why not."""
    name = pool.spec.entry.name
    operation, runs, waiting = pool.dispatcher.operation, pool.dispatcher.in_flight, len(pool.dispatcher.pending)
    if operation is Operation.UNLOAD:
        return {"ok": f"{name} is being unloaded"}
    if operation or (not runs and pool.supervisor.state not in {*LOADED, State.UNLOADED}):
        return {"error": f"{name} is not unloaded: it is {pool.supervisor.state}"}
    if runs or waiting:
        running = counted(runs, "job runs", "jobs run")
        waiting_too = counted(waiting, "waits", "wait")
        return {"error": f"{name} is busy: {running} and {waiting_too}; a model in use is not unloaded"}
    if pool.supervisor.state is State.UNLOADED:
        return {"ok": f"{name} is not loaded"}
    if not pool.dispatcher.run_operation(Operation.UNLOAD):
        return {"error": f"{name} is not unloaded: {pool.dispatcher.closed or 'its process takes no requests now'}"}
    return {"ok": f"{name} is being unloaded"}


@control_command(name=TIMEOUT, args=[("seconds", float)], signature="SECONDS", visible=False)
def timeout(state: Any, seconds: Any = None, **_: Any) -> dict[str, Any]:
    """Unload this slot's model when it is idle for `seconds` (0: never), until the worker ends."""
    pool = state.consumer.pool
    if not isinstance(pool, SlotPool):
        return _no_slot()
    if why := wrong_timeout(seconds):
        return {"error": why}
    pool.idle_timeout = IdleTimeout(float(seconds), "slotline model timeout")
    rule = f"is unloaded when idle for {seconds:g} s" if seconds else "is never unloaded for being idle"
    return {"ok": f"{pool.spec.entry.name} {rule}"}


def _no_slot() -> dict[str, Any]:
    return {"error": "this worker has no model"}
