"""What the runs of a batch write when they end, in one round trip: settlements, then results, then releases.

Each is a run of a script, as when it is written alone (`transitions.py`, `claims.py`); this module brings them into
their order, and the settlements of one job into one run. Guarantees: who sees a result finds its part settled; who
waits for an artifact is woken when it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from redis.exceptions import ResponseError

from tasks.compact_json import dumps
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import Settled, Settlement, StoredResult
from tasks.flow.ledger.run_times import Ended, noting
from tasks.redis import keys
from tasks.redis.scripts import ScriptRun, Scripts

Claim = tuple[str, str]
"""An artifact's name, and the delivery tag of the message that claimed it."""


PARTS_A_RUN = 64
"""Parts that one run of a script settles: Redis does nothing else meanwhile, about 1 ms."""

_Settling = tuple[ScriptRun, Sequence[int]]
"""A run of `settle.lua`, and which of the settlements it settles, in order."""


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
        ended: Sequence[Ended] = (),
    ) -> Written:
        """Write all in this order; raises redis-py's errors if it is not known that all was written.

        At the end it is noted how long parts took that have `ended`. That this fails is no error.
        """
        settling, others = _settling(settlements), [storing(one) for one in results]
        others += [releasing(*one) for one in claims]
        others += noting(ended)
        answers = self._scripts.run_together([run for run, _ in settling] + others)
        settled = _settled(len(settlements), settling, answers)
        answers = answers[len(settling) :]
        return Written(settled, answers[: len(results)], answers[len(results) : len(results) + len(claims)])

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | ResponseError]:
        """Write settlements alone; nothing is noted of how long they took."""
        settling = _settling(settlements)
        return _settled(len(settlements), settling, self._scripts.run_together([run for run, _ in settling]))


def _settling(settlements: Sequence[Settlement]) -> list[_Settling]:
    """The runs of `settle.lua`: one for the parts of a job, in their order; a long one would keep others waiting."""
    by_job: dict[str, list[int]] = {}
    for index, one in enumerate(settlements):
        by_job.setdefault(one.job_id, []).append(index)
    chunks = [
        indexes[first : first + PARTS_A_RUN]
        for indexes in by_job.values()
        for first in range(0, len(indexes), PARTS_A_RUN)
    ]
    return [(_settle_run([settlements[index] for index in chunk]), chunk) for chunk in chunks]


def _settle_run(parts: Sequence[Settlement]) -> ScriptRun:
    job_id = parts[0].job_id
    script_keys = [keys.job(job_id), keys.states(job_id), keys.outcomes(job_id), keys.attempts(job_id)]
    args: list[str | int] = [job_id, ATTEMPTS_ALLOWED]
    for one in parts:
        made = (one.measure.name, f"{one.measure.amount:.6f}", one.measure.unit) if one.measure else ("", 0, "")
        args += [one.part, one.verdict, dumps(one.outcome), one.computed, one.attempt, *made]
    return "settle", script_keys, args


def _settled(
    count: int, settling: Sequence[_Settling], answers: Sequence[Sequence[bytes] | ResponseError]
) -> list[Settled | ResponseError]:
    """What `settle.lua` answered to each of `count` settlements; an error of a run is that of all its parts."""
    by_index: dict[int, Settled | ResponseError] = {}
    for (_, indexes), answer in zip(settling, answers, strict=False):
        if isinstance(answer, ResponseError):
            by_index |= dict.fromkeys(indexes, answer)
        else:
            by_index |= zip(indexes, (cast(Settled, verdict.decode()) for verdict in answer), strict=True)
    return [by_index[index] for index in range(count)]


def storing(one: StoredResult) -> ScriptRun:
    """The run of `result.lua` that stores a task's result."""
    return "result", [one.key], [one.value, one.keep_s]


def releasing(artifact: str, tag: str) -> ScriptRun:
    """The run of `release.lua` that releases an artifact; the tag `""` releases any claim, because it exists."""
    return "release", [keys.computed_by(artifact), keys.waiters(artifact), keys.DELAYED], [tag]
