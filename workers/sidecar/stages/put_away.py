"""The last stage of a batch: store the results, release the claims, leave the outcomes for Celery's trace.

Settles nothing: the task's body does that when Celery traces it. Guarantees: a result is stored before the next one
is taken; a result that cannot be stored fails only its own requests; claims are always released.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from tasks.errors import BrokerUnavailable, InvalidInput, SlotlineError, StoreError, TimeLimitOver
from tasks.flow import outcomes
from tasks.flow.outcomes import Done, Dropped, Failed, Outcome, as_slotline_error
from tasks.store import artifacts
from workers.adapters.base import Cancelled
from workers.sidecar.stages.claim import release
from workers.sidecar.stages.work import BatchRequest, Computed, IsCancelled, Outcomes, Ran, ReadyBatch, Work

if TYPE_CHECKING:
    from tasks.flow.ledger import Ledger
    from workers.wire.call import Call

logger = logging.getLogger(__name__)


def put_away(ledger: Ledger, ready: ReadyBatch, computed: Iterable[Computed], is_cancelled: IsCancelled) -> Ran:
    """Store each result as it comes, and release all claims; returns how the batch ended."""
    ended: dict[int, Outcome] = {}
    ended_at = dict.fromkeys(ready.outcomes, monotonic())
    failed: list[str] = []
    try:
        for one in computed:
            stored = _store(one)
            for request in one.work.requests:
                outcome = _outcome_of(request, one.work, stored, is_cancelled)
                ended[request.index] = outcome
                ended_at[request.index] = monotonic()
                if _is_the_models_fault(outcome):
                    failed.append(request.call.task_id)
    finally:
        release(ledger, [(one.artifact, one.first.call.delivery_tag) for one in ready.work])
    worked = any(isinstance(outcome, Done) for outcome in ended.values())
    return Ran((*ready.failed, *failed), worked, ready.alone, {**ready.outcomes, **ended}, ready.returned, ended_at)


def leave(calls: Sequence[Call], ended: Outcomes, over_limit: Mapping[str, str]) -> None:
    """Leave the outcomes for the tasks' bodies, in the order of the calls, because Celery traces in this order.

    A request that was dropped because its sender's time limit is over fails with that limit.
    """
    outcomes.clear()
    for index, outcome in sorted(ended.items()):
        call = calls[index]
        if isinstance(outcome, Dropped) and (words := over_limit.get(call.delivery_tag)):
            outcome = Failed(TimeLimitOver.of(words), 0)
        outcomes.put(call.task_id, outcome)


def _store(computed: Computed) -> Outcome:
    work, result = computed.work, computed.result
    if isinstance(result, Cancelled):
        return Dropped()
    craft = work.first.craft
    try:
        if isinstance(result, Exception):
            raise result
        made = artifacts.store().put_bytes(work.artifact, *craft.encode(result))
        return Done(made, computed=True, attempt=work.attempt)
    except Exception as exc:  # the failure of one input only
        if not isinstance(exc, SlotlineError):
            logger.exception("the model failed on «%.40s»", work.part.words())
        return Failed(as_slotline_error(exc), work.attempt)


def _outcome_of(request: BatchRequest, work: Work, stored: Outcome, is_cancelled: IsCancelled) -> Outcome:
    """A request's outcome; only the first request of a work has the attempt and counts as computed."""
    if is_cancelled(request.call.delivery_tag):
        return Dropped()
    if request is work.first:
        return stored
    match stored:
        case Done(artifact):
            return Done(artifact, computed=False)
        case Failed(error):
            return Failed(error, 0)
        case _:
            return stored


def _is_the_models_fault(outcome: Outcome) -> bool:
    """Whether the model itself failed, not the input, the store or the broker."""
    return isinstance(outcome, Failed) and not isinstance(outcome.error, (InvalidInput, StoreError, BrokerUnavailable))
