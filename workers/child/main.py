"""The functions of a slot's child that Celery's pool calls: begin, run a batch, run an operation.

Only this process imports an adapter's heavy packages. `workers/parent/child_process.py` forks it and reads the
messages that it sends. The parent decides when a child is started again, and when its model is unloaded. Guarantees:
it computes nothing before the model is warmed up; a model that cannot be loaded ends the process; an error of one
request is that request's result.

Celery's pool calls these functions by name with pickled arguments, so the state that `begin` makes is kept in this
module.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from tasks.flow.connections import ledger, redis_client
from tasks.settings import settings
from workers.adapters import hardware
from workers.child import answers, offering, operations
from workers.child.models.for_slot import models_for
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.registry import Registry
from workers.child.process import ChildState
from workers.sidecar.stages import batch
from workers.child.batch_limit import BatchLimit
from workers.sidecar.tracing import BROKER_REFUSES, give_back_all, trace_all
from workers.upstream.tracer import begin_child
from workers.wire.call import Call, GivenBack, NotRun, RunAlone, TraceResult
from workers.wire.messages import MemoryUsed, StandsBy, StateEntered
from workers.wire.state import State

if TYPE_CHECKING:
    from celery import Celery

    from workers.wire.link import ChildEnd, ParentEnd
    from workers.wire.messages import Operation
    from workers.wire.spec import SlotSpec

logger = logging.getLogger(__name__)

NOT_SENT = frozenset({State.READY, State.BUSY, State.FAILED})
"""States without a `StateEntered` message: the parent knows what runs; `Loaded` and `FailedToLoad` have more detail."""

_child: ChildState | None = None


def begin(
    link: ChildEnd, parents_end: ParentEnd, spec: SlotSpec, refused: frozenset[str], app: Celery, hostname: str
) -> None:
    """The pool's initializer: become Celery's child, then load the model; ends the process if that fails.

    A lazy slot's child loads nothing yet, and sends `StandsBy`.
    """
    global _child
    parents_end.close()
    life = Lifecycle(lambda state: None if state in NOT_SENT else link.send(StateEntered(state)))
    try:
        begin_child(app, hostname)
        models = models_for(spec, life, link, refused)
        limit = BatchLimit(redis_client(app), spec.gpu.gpu_type if spec.gpu else "cpu")
        _child = child = ChildState(app, spec, link, life, models, limit)
        answers.start(child)
        if isinstance(models, Registry):
            offering.keep_sending(link, models, spec.device)
        batch.warm_up()
        if spec.is_lazy:
            link.send(StandsBy())
            return
    except BaseException as exc:
        operations.give_up(link, life, exc)
    operations.load(child)


def run_batch(calls: Sequence[Call]) -> list[TraceResult | NotRun]:
    """Run the model on the calls as one batch, then trace each one; one result per call, in order.

    If Redis is unreachable or refuses writes, the batch does not begin and its messages are given back. Any other
    error of slotline itself is raised, and ends this child.
    """
    child = _this_child()
    operations.load(child)  # the parent has sent this operation before, unless its message was lost
    child.life.enter(State.BUSY)
    try:
        results = computed(child, calls)
    finally:
        # The parent sends the next batch, and cancels its requests, only after it has these results.
        child.cancelled.clear()
        child.over_limit.clear()
        child.life.enter(State.READY)
    child.counts.add(results)
    if settings().force_gc:
        gc.collect()
    if child.spec.entry.recycle_rss_gb is not None:
        child.link.send(MemoryUsed(hardware.memory(child.spec.device)["rss_bytes"]))
    return results


def run_operation(operation: Operation) -> float | None:
    """Run an operation between batches; returns the result of `SlotModels.tidy`, else None."""
    return operations.run(_this_child(), operation)


def computed(child: ChildState, calls: Sequence[Call]) -> list[TraceResult | NotRun]:
    """Run the batch, report failures and successes of the model, and trace; one result per call, in order.

    A call's run begins with its batch, and ends when it is traced. So Celery (its log, its events, Flower) shows
    how long it took until its result was stored: in a batch all results that come at once took as long as the batch.
    """
    began = monotonic()
    try:
        is_cancelled = child.cancelled.__contains__
        ran = batch.run(child.models, ledger(child.app), calls, is_cancelled, child.limit, child.over_limit)
    except BROKER_REFUSES as exc:
        logger.warning("Redis is unreachable or refuses writes; %d messages are given back: %s", len(calls), exc)
        return [*give_back_all(child.app, calls, exc)]
    child.report(ran)
    not_run: dict[int, NotRun] = {index: RunAlone() for index in ran.alone}
    not_run |= {index: GivenBack() for index in ran.returned}
    run = [index for index in range(len(calls)) if index not in not_run]
    took_s = [max(0.0, ran.ended_at.get(index, began) - began) for index in run]
    traced = iter(trace_all(child.app, [calls[index] for index in run], took_s) if run else ())
    return [not_run[index] if index in not_run else next(traced) for index in range(len(calls))]


def _this_child() -> ChildState:
    if _child is None:
        raise RuntimeError("no model belongs to this process")
    return _child
