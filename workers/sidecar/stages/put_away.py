"""The last stage of a batch: store the results, leave the outcomes for Celery's trace.

Settles nothing: the task's body does that when Celery traces it; and releases nothing: the claims are released with
what is settled, in one round trip. Guarantee: a result that cannot be stored fails only its own requests.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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

AT_ONCE = 4
"""Results that are stored at the same time. More would take turns on a local disk."""

UNBLAMED = (InvalidInput, StoreError, BrokerUnavailable, ModelChanged)
"""Errors of a run that are not the model's fault."""


@dataclass(frozen=True)
class StoredResult:
    """A result that was stored, or failed; `at` is when, by the monotonic clock."""

    computed: Computed
    outcome: Outcome
    at: float


def put_away(computed: Sequence[Computed], is_cancelled: IsCancelled) -> Ran:
    """Store these results of a batch; returns how their calls ended."""
    return ended(store_all(computed), is_cancelled)


def store_all(computed: Sequence[Computed]) -> list[StoredResult]:
    """Store results, of any batches, several at once: a store far away takes longer to answer than to write."""
    return [_stored(computed[0])] if len(computed) == 1 else list(_threads().map(_stored, computed))


def ended(stored: Iterable[StoredResult], is_cancelled: IsCancelled) -> Ran:
    """How the calls of one batch ended, whose results were stored."""
    ran = Ran()
    failed: list[str] = []
    for result in stored:
        one = result.computed
        for request in one.work.requests:
            outcome = _outcome_of(request, one.work, result.outcome, is_cancelled)
            ran.outcomes[request.index] = outcome
            ran.took_s[request.index] = one.took_s + max(0.0, result.at - one.ended_at)
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


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="store")


# A pool's threads do not live on in a forked process, and it would wait for them.
os.register_at_fork(after_in_child=_threads.cache_clear)


def _stored(computed: Computed) -> StoredResult:
    return StoredResult(computed, _store(computed), monotonic())


def _store(computed: Computed) -> Outcome:
    work, result = computed.work, computed.result
    if isinstance(result, Cancelled):
        return Dropped()
    craft = work.first.craft
    try:
        if isinstance(result, Exception):
            raise result
        finished = work.model.adapter.finish(work.part, result) if work.model else result
        made = artifacts.store().put_bytes(work.artifact, *craft.encode(finished))
        return Done(made, computed=True, attempt=work.attempt)
    except (Exception, SystemExit) as exc:  # the failure of one input only; the adapter's code may call sys.exit
        if not isinstance(exc, SlotlineError):
            logger.exception("the result of «%.40s» could not be stored", work.part.words())
        return Failed(as_slotline_error(work.model.reason_of(exc) if work.model else exc), work.attempt)


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
