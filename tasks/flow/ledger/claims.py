"""Who may run a part now: what a run needs, which artifact it computes, and how often it was tried.

An attempt is counted before the work begins, so it survives the worker. An artifact is
computed by one worker at a time; the messages of the others wait until it is there.
Settles nothing (`transitions.py`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from tasks.errors import SlotlineError, TimeoutOver
from tasks.flow.ledger.endings import releasing
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED, retry_ms, seconds_of, ttl_ms, wait_ms
from tasks.flow.ledger.record import ArtifactClaim, OwnMessage, Taken
from tasks.redis import keys
from tasks.redis.scripts import KeysAndArguments, Scripts
from tasks.redis.task_id import in_use

if TYPE_CHECKING:
    from redis import Redis

COMPUTED_ELSEWHERE, SPENT, TOO_SOON, PAUSED = 0, -1, -2, -3
"""Answers to a claim that may not run now: another worker computes it, its attempts are used up, its last run began too
short a time ago, its model is paused."""


_NEEDS_COPY = -5
"""The claim has to wait, and a copy of its message is needed for that; few wait, so it is not made and sent for all."""


class Claims:
    """Runs that begin, and what is known of runs that were lost."""

    def __init__(self, client: Redis, scripts: Scripts) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»
        self._scripts = scripts

    def take(self, job_id: str, part: int) -> Taken | None:
        """What a run of this part needs; None when the part or its job has ended."""
        (answer,) = self.take_all([(job_id, part)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def take_all(
        self, runs: Sequence[tuple[str, int]], requests: Sequence[str] = (), timeouts: Sequence[float | None] = ()
    ) -> list[Taken | ResponseError | SlotlineError | None]:
        """`take` for each in one round trip; part 0 is a bare task: None when it was cancelled.

        `requests` has for each run the digest of its request, which only part 0 needs: the answer is `IdInUse` when the
        id belongs to another request. `timeouts` has its `timeout_s`: the answer is `TimeoutOver` when that is over.
        """
        calls = []
        for index, (job_id, part) in enumerate(runs):
            script_keys = [keys.job(job_id), keys.parts(job_id), keys.states(job_id), keys.attempts(job_id)]
            own = [] if part else [job_id, requests[index], ttl_ms(), seconds_of(timeouts[index] if timeouts else None)]
            calls.append((script_keys, [part, *own]))
        replies = self._scripts.run_all("take", calls)
        limits = timeouts or [None] * len(runs)
        return [_taken(job_id, reply, limit) for (job_id, _), reply, limit in zip(runs, replies, limits, strict=True)]

    def own(self, task_id: str, request: str) -> bool:
        """Whether the id belongs to this request, given by its digest; the first one that asks gets it."""
        script_keys = [keys.job(task_id), keys.attempts(task_id)]
        return bool(self._scripts.run("own", script_keys, [task_id, request, ttl_ms()]))

    def claim_all(self, claims: Sequence[ArtifactClaim]) -> list[int | ResponseError]:
        """Begin to compute artifacts, in one round trip, in order; those that have to wait need another one.

        Each answer is which attempt this is, from 1, or `COMPUTED_ELSEWHERE`, `SPENT`, `TOO_SOON` or `PAUSED`.
        """
        calls = [_claiming(one, secrets.token_hex(8)) for one in claims]
        answers = self._scripts.run_all("claim", calls)
        if waiting := [index for index, answer in enumerate(answers) if answer == _NEEDS_COPY]:
            again = [(calls[index][0], [*calls[index][1], *claims[index].the_copy()]) for index in waiting]
            for index, answer in zip(waiting, self._scripts.run_all("claim_or_wait", again), strict=True):
                answers[index] = answer
        return answers

    def release_all(self, claimed: Sequence[tuple[str, str]]) -> list[int | ResponseError]:
        """Release artifacts, each with the tag that claimed it, and send on the messages that wait for them.

        One round trip, in order. The tag `""` releases any claim, because the artifact exists. Each answer is how
        many messages were sent.
        """
        return self._scripts.run_together([releasing(*one) for one in claimed])

    def begin(self, job_id: str, tag: str, own: OwnMessage, parent: tuple[str, int] | None) -> int:
        """Begin a run of a job's own task, in the message `tag`: which run this is, from 1; 0: nothing is counted.

        `SPENT` when its runs are used up, `TOO_SOON` when a copy of the message waits for the pause to end.
        """
        args = [job_id, tag, secrets.token_hex(8), ATTEMPTS_ALLOWED, retry_ms(), ttl_ms()]
        args += [own.head, own.tail, own.queue_list, secrets.token_hex(16), *(parent or ("", 0))]
        return int(self._scripts.run("begin", [keys.job(job_id), keys.attempts(job_id)], args))

    def lost(self, task_id: str, tag: str, why: str, *, is_job: bool) -> int:
        """Keep what ended a run in a flow worker; how many runs were begun by now.

        `why` is empty for a run that is not at fault: its count is taken back.
        """
        script_keys = [keys.job(task_id), keys.attempts(task_id)]
        return int(self._scripts.run("lost", script_keys, [tag, why, ttl_ms(), int(is_job), secrets.token_hex(8)]))

    def step_loss(self, job_id: str, state: str) -> str:
        """What ended the last lost run of a job's own task that found the job in this state (`new`: no record)."""
        return (self._redis.hget(keys.attempts(job_id), f"step:{state}?") or b"").decode()

    def uncount(self, tag: str, run_of: tuple[str, int]) -> bool:
        """Take back the attempt that the message `tag` began: its run was ended for no fault of its own."""
        job_id, part = run_of
        return bool(self._scripts.run("uncount", [keys.attempts(job_id)], [part, tag]))

    def note_loss(self, tag: str, run_of: tuple[str, int], why: str, *, is_early: bool = False) -> bool:
        """Keep what ended a run of a part (or of a bare task, part 0); forgotten with its attempts.

        Returns whether the run was claimed. `is_early` counts one that was not.
        """
        job_id, part = run_of
        script_keys = [keys.job(job_id), keys.attempts(job_id)]
        args = [part, tag, why, int(is_early), ttl_ms(), secrets.token_hex(8)]
        return bool(self._scripts.run("part_lost", script_keys, args))

    def loss(self, run_of: tuple[str, int]) -> str:
        """What ended the last run that was lost; empty when it is not known (its whole worker died)."""
        job_id, part = run_of
        return (self._redis.hget(keys.attempts(job_id), f"{part}?") or b"").decode()


def _claiming(one: ArtifactClaim, token: str) -> KeysAndArguments:
    job_id, part = one.run_of
    artifact_keys = [keys.computed_by(one.artifact), keys.waiters(one.artifact), keys.LEASES]
    args = [one.tag, part, ATTEMPTS_ALLOWED, retry_ms(), wait_ms(), ttl_ms(), token, one.model]
    return [*artifact_keys, keys.attempts(job_id), keys.sent(job_id), keys.PAUSED], args


def _taken(
    job_id: str, reply: list[bytes] | ResponseError, timeout_s: float | None
) -> Taken | ResponseError | SlotlineError | None:
    if isinstance(reply, ResponseError):
        return reply
    if reply == [b"another"]:
        return in_use(job_id)
    if reply == [b"over"]:
        return TimeoutOver.of(timeout_s or 0.0)
    return Taken(reply[0].decode(), json.loads(reply[1]), int(reply[2]), int(reply[3])) if reply else None
