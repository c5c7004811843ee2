"""The last stage of a batch: store the results, leave the outcomes for Celery's trace.

Settles nothing: the task's body does that when Celery traces it; and releases nothing: the claims are released with
what is settled, in one round trip. Guarantee: a result that cannot be stored fails only its own requests.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from tasks.errors import BrokerUnavailable, InvalidInput, ModelChanged, SlotlineError, StoreError, TimeLimitOver
from tasks.flow import outcomes
from tasks.flow.outcomes import Done, Dropped, Failed, Outcome, as_slotline_error
from tasks.store import artifacts
from workers.adapters.base import Cancelled
from workers.sidecar.stages.work import BatchRequest, Computed, IsCancelled, Outcomes, Ran, Work

if TYPE_CHECKING:
    from workers.wire.call import Call

logger = logging.getLogger(__name__)

UNBLAMED = (InvalidInput, StoreError, BrokerUnavailable, ModelChanged)
"""Errors of a run that are not the model's fault."""


def put_away(computed: Iterable[Computed], is_cancelled: IsCancelled) -> Ran:
    """Store these results of a batch, in their order; returns how their calls ended."""
    ran = Ran()
    failed: list[str] = []
    for one in computed:
        stored = _store(one)
        now = monotonic()
        for request in one.work.requests:
            outcome = _outcome_of(request, one.work, stored, is_cancelled)
            ran.outcomes[request.index] = outcome
            ran.took_s[request.index] = one.took_s + max(0.0, now - one.ended_at)
            if _is_the_models_fault(outcome):
                failed.append(request.call.task_id)
        ran.claims.append(one.work.claim)
    ran.failed = tuple(failed)
    ran.worked = any(isinstance(outcome, Done) for outcome in ran.outcomes.values())
    return ran


def leave(calls: Sequence[Call], ended: Outcomes, over_limit: Mapping[int, str]) -> None:
    """Leave the outcomes for the tasks' bodies, in the order of the calls, because Celery traces in this order.

    A call that was dropped because its sender's time limit is over fails with that limit.
    """
    for index, outcome in sorted(ended.items()):
        if isinstance(outcome, Dropped) and (words := over_limit.get(index)):
            outcome = Failed(TimeLimitOver.of(words), 0)
        outcomes.put(calls[index].task_id, outcome)


def forget() -> None:
    """Forget outcomes that no task took, because their requests were revoked in between."""
    outcomes.clear()


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
            logger.exception("the result of «%.40s» could not be stored", work.part.words())
        return Failed(as_slotline_error(exc), work.attempt)


def _outcome_of(request: BatchRequest, work: Work, stored: Outcome, is_cancelled: IsCancelled) -> Outcome:
    """A request's outcome; only the first request of a work has the attempt and counts as computed."""
    if is_cancelled(request.index):
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
    return isinstance(outcome, Failed) and not isinstance(outcome.error, UNBLAMED)
