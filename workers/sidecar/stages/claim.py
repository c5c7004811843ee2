"""Claims the artifacts that a batch will make, and releases them. Counts attempts; computes and stores nothing.

Guarantees: an artifact is made by one slot at a time; a run is counted before it begins.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from redis import RedisError

from tasks.errors import WorkerLost
from tasks.flow import attempts, envelope
from tasks.flow.ledger.claims import COMPUTED_ELSEWHERE, PAUSED, SPENT, TOO_SOON
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import ArtifactClaim
from tasks.flow.outcomes import Failed, Outcome, Waiting, as_slotline_error
from tasks.redis.refusals import words
from tasks.routing import list_key
from workers.sidecar.stages.work import Work

if TYPE_CHECKING:
    from tasks.flow.ledger import Ledger
    from workers.wire.call import Call

logger = logging.getLogger(__name__)


def claim(ledger: Ledger, wanted: Sequence[Work]) -> tuple[list[Work], dict[int, Outcome], frozenset[int]]:
    """The work of this batch, each with its attempt; the outcomes of the requests that must not run; and the numbers
    of the calls that go back to their queue, because the model is paused.

    It takes one round trip. If the first of several requests for an artifact is refused, the next one needs another.
    """
    work: list[Work] = []
    outcomes: dict[int, Outcome] = {}
    returned: set[int] = set()
    while wanted:
        answers = ledger.claims.claim_all([_claim_of(one) for one in wanted])
        again: list[Work] = []
        for one, attempt in zip(wanted, answers, strict=True):
            if isinstance(attempt, int) and attempt > 0:
                work.append(replace(one, attempt=attempt))
                continue
            if attempt == PAUSED:
                returned.update(request.index for request in one.requests)
                continue
            outcomes[one.first.index] = _refused(ledger, one, attempt)
            if len(one.requests) > 1:
                again.append(replace(one, requests=one.requests[1:]))
        wanted = again
    return work, outcomes, frozenset(returned)


def release(ledger: Ledger, claims: Iterable[tuple[str, str]]) -> None:
    """Release claims, given by artifact name and delivery tag; one that fails here is free when its lease ends."""
    if wanted := list(claims):
        for (name, _), answer in zip(wanted, ledger.claims.release_all(wanted), strict=True):
            if isinstance(answer, Exception):
                logger.warning("%s is not released: %s", name, answer)


def give_up(ledger: Ledger, work: Iterable[Work]) -> None:
    """Release work that was claimed and not begun in the model: its attempts are not counted.

    Raises nothing, because its messages must go back whether this succeeds or not.
    """
    wanted = list(work)
    attempts.uncount(ledger, [one.first.call for one in wanted])
    try:
        release(ledger, [one.claim for one in wanted])
    except RedisError as exc:
        logger.warning("%d artifacts are not released: %s", len(wanted), words(exc))


def worker_lost(ledger: Ledger, run_of: tuple[str, int], when: str = "") -> WorkerLost:
    """The error of a request whose attempts are used up, with what ended the last one, if that is known."""
    why = ledger.claims.loss(run_of)
    last = f"; the last time: {why}" if why else ""
    return WorkerLost(f"its worker died in all {ATTEMPTS_ALLOWED} attempts{when}{last}")


def _claim_of(work: Work) -> ArtifactClaim:
    call = work.first.call
    # A function, because few claims have to wait, and a copy takes longer to make than the rest of a claim.
    return ArtifactClaim(work.artifact, call.delivery_tag, partial(_copy_of, call), work.first.run_of, work.part.model)


def _copy_of(call: Call) -> tuple[str, str]:
    """The list of the message itself, because the sweep looks there, and a copy of the message."""
    delivery = call.headers.get("delivery_info") or {}
    queue = str(delivery.get("routing_key") or "")
    return list_key(queue, int(delivery.get("priority") or 0)), envelope.copy_of(call.headers, call.body, queue)


def _refused(ledger: Ledger, work: Work, attempt: int | Exception) -> Outcome:
    """The outcome of a request that must not run now, or not at all."""
    if attempt in (COMPUTED_ELSEWHERE, TOO_SOON):
        return Waiting()
    if attempt == SPENT:
        release(ledger, [(work.artifact, work.first.call.delivery_tag)])
        return Failed(worker_lost(ledger, work.first.run_of), 0)
    return Failed(as_slotline_error(cast(Exception, attempt)), 0)
