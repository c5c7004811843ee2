"""Says when jobs will end. One look at Redis answers for any number of them; nothing is written.

An estimate changes with what is sent after it: a look says what is known now.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tasks.estimates import snapshot
from tasks.estimates.forecast import Forecast, forecasts
from tasks.estimates.snapshot import MOST_JOBS, Snapshot

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class Estimate:
    """When a job will end. `seconds_left` and `ends_at` are None while that is not known; `why` says why.

    `ends_at` is in seconds since 1970 by Redis' clock. `based_on` says in words what the numbers come from.
    """

    job_id: str
    seconds_left: float | None
    ends_at: float | None
    based_on: str = ""
    why: str = ""

    def fields(self) -> dict[str, Any]:
        """The fields of its JSON."""
        return asdict(self)


def estimates(client: Redis, job_ids: Collection[str], fair_share: float) -> dict[str, Estimate]:
    """An estimate of each of these jobs that is open; raises redis-py's errors.

    `fair_share` is what the workers have as `SLOTLINE_FAIR_SHARE`.
    """
    return of(snapshot.take(client), job_ids, fair_share) if job_ids else {}


def of(now: Snapshot, job_ids: Collection[str], fair_share: float) -> dict[str, Estimate]:
    """The estimates from what is open now. Pure."""
    if not now.is_whole:
        why = f"more than {MOST_JOBS:,} jobs are open; nothing is estimated then"
        return {job_id: Estimate(job_id, None, None, why=why) for job_id in job_ids}
    found = forecasts(now, job_ids, fair_share)
    return {job_id: _estimate(job_id, one, now.now_s) for job_id, one in found.items()}


def ended(job_id: str, at_s: float) -> Estimate:
    """The estimate of a job that has ended."""
    return Estimate(job_id, 0.0, at_s, "it has ended")


def unknown(job_id: str, why: str) -> Estimate:
    """The estimate of a job of which nothing can be said."""
    return Estimate(job_id, None, None, why=why)


def _estimate(job_id: str, one: Forecast, now_s: float) -> Estimate:
    if one.seconds_left is None:
        return unknown(job_id, one.why)
    return Estimate(job_id, round(one.seconds_left, 3), now_s + one.seconds_left, one.based_on)
