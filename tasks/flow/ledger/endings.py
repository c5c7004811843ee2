"""What the runs of a batch write when they end, in one round trip: settlements, then results, then releases.

Each is one script, as when it is written alone (`transitions.py`, `claims.py`); this module only brings them into
their order. Guarantees: who sees a result finds its part settled; who waits for an artifact is woken when it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from redis.exceptions import ResponseError

from tasks.compact_json import dumps
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import Settled, Settlement, StoredResult
from tasks.redis import keys
from tasks.redis.scripts import ScriptRun, Scripts

Claim = tuple[str, str]
"""An artifact's name, and the delivery tag of the message that claimed it."""


@dataclass(frozen=True)
class Written:
    """What Redis answered to each write, in the order in which they were given."""

    settled: Sequence[Settled | ResponseError]
    stored: Sequence[int | ResponseError]
    released: Sequence[int | ResponseError]


class Endings:
    """Writes the ends of runs."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def write(
        self,
        settlements: Sequence[Settlement],
        results: Sequence[StoredResult],
        claims: Sequence[Claim],
        since_s: float | None = None,
    ) -> Written:
        """Write all in this order; raises redis-py's errors if it is not known that all was written.

        `since_s` are the seconds since this slot last ended something that it had computed (None: not known): how long
        the parts took is noted at the end. A right that is missing for that is no error.
        """
        runs = [settling(one) for one in settlements]
        runs += [storing(one) for one in results]
        runs += [releasing(*one) for one in claims]
        runs += timing([one for one in settlements if one.computed and one.attempt], since_s)
        answers = self._scripts.run_together(runs)
        results_at, claims_at = len(settlements), len(settlements) + len(results)
        settled = [settled_of(answer) for answer in answers[:results_at]]
        return Written(settled, answers[results_at:claims_at], answers[claims_at : claims_at + len(claims)])


def settling(one: Settlement) -> ScriptRun:
    """The run of `settle.lua` that settles a part."""
    job_id = one.job_id
    script_keys = [keys.job(job_id), keys.states(job_id), keys.outcomes(job_id), keys.attempts(job_id)]
    args = [job_id, one.part, one.verdict, dumps(one.outcome), one.computed, ATTEMPTS_ALLOWED, one.attempt]
    if one.measure:
        args += [one.measure.name, f"{one.measure.amount:.6f}", one.measure.unit]
    return "settle", script_keys, args


def storing(one: StoredResult) -> ScriptRun:
    """The run of `result.lua` that stores a task's result."""
    return "result", [one.key], [one.value, one.keep_s]


def releasing(artifact: str, tag: str) -> ScriptRun:
    """The run of `release.lua` that releases an artifact; the tag `""` releases any claim, because it exists."""
    return "release", [keys.computed_by(artifact), keys.waiters(artifact), keys.DELAYED], [tag]


def timing(computed: Sequence[Settlement], since_s: float | None) -> list[ScriptRun]:
    """The run of `pace.lua` that notes how long these parts took; none if nothing was computed."""
    parts = [value for one in computed for value in (one.job_id, one.part)]
    since_ms = -1 if since_s is None else round(since_s * 1000)
    return [("pace", [], [since_ms, *parts])] if parts else []


def settled_of(answer: bytes | ResponseError) -> Settled | ResponseError:
    """What `settle.lua` answered."""
    return answer if isinstance(answer, ResponseError) else cast(Settled, answer.decode())
