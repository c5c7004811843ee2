"""What changes a job or its parts: each step is one Lua script, and may be repeated.

Begins, settles, ends, cancels and reopens; sends what is due or lost. Decides nothing
itself, and counts no attempt (`claims.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from tasks.compact_json import dumps
from tasks.flow.ledger.endings import Endings, storing
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED, LOSSES_ALLOWED, retry_ms, seconds_of, ttl_ms
from tasks.flow.ledger.record import (
    SKIPPED,
    WAITING,
    Cancellation,
    FinalState,
    Later,
    Measure,
    Opening,
    OwnMessage,
    Settled,
    Settlement,
    StoredResult,
    Swept,
    Verdict,
)
from tasks.flow.ledger.sizes import packed, size_of
from tasks.redis import keys
from tasks.redis.scripts import Scripts

if TYPE_CHECKING:
    from redis import Redis


_LATER: Mapping[int, Later] = {1: "sent", 0: "used up", -1: "late"}


class Transitions:
    """The steps of a job's life."""

    def __init__(self, client: Redis, scripts: Scripts) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»
        self._scripts = scripts

    def submit(
        self,
        job_id: str,
        kind: str,
        title: str,
        model: str,
        voice: str,
        list_key: str,
        message: str,
        request: str = "",
        sizes: Sequence[int] = (),
        timeout_s: float | None = None,
    ) -> bool:
        """Record a job and send its task's message in one step; False when it is recorded already.

        `request` is the digest of its request, to which the id then belongs. `sizes`: how much there is to compute in
        each input that it names; none if that is not known. `timeout_s`: the job is dropped when it was not computed so
        long after this.
        """
        record = {"kind": kind, "title": title, "model": model, "voice": voice}
        record |= {"request": request} if request else {}
        record |= {"timeout_s": seconds_of(timeout_s)} if timeout_s else {}
        script_keys = [keys.job(job_id), keys.JOBS, list_key]
        return bool(self._scripts.run("submit", script_keys, [job_id, dumps(record), message, packed(sizes)]))

    def open(self, job_id: str, opening: Opening) -> int:
        """Open the job and send its first parts; parts to compute, or -1 when it was open already."""
        parts = range(1, len(opening.payloads) + 1)
        states = "".join(SKIPPED if part in opening.skipped else WAITING for part in parts)
        skipped = {str(part): dumps(reason) for part, reason in opening.skipped.items()}
        script_keys = [keys.job(job_id), keys.JOBS, keys.parts(job_id), keys.states(job_id), keys.outcomes(job_id)]
        args = [
            job_id,
            dumps(_fields_of(opening)),
            states,
            dumps(skipped),
            packed(opening.sizes or ()),
            *opening.payloads,
        ]
        return int(self._scripts.run("open", script_keys, args))

    def settle(
        self,
        job_id: str,
        part: int,
        verdict: Verdict,
        outcome: Mapping[str, Any],
        computed: int = 0,
        measure: Measure | None = None,
        attempt: int = 0,
    ) -> Settled:
        """Settle a part: mark it, write PROGRESS, send what is next. `late` means that it changed nothing.

        `again` sends the part once more, or fails it when its attempts are used up.
        """
        (answer,) = self.settle_all([Settlement(job_id, part, verdict, outcome, computed, measure, attempt)])
        if isinstance(answer, ResponseError):
            raise answer
        return answer

    def settle_all(self, settlements: Sequence[Settlement]) -> list[Settled | ResponseError]:
        """`settle` for each in one round trip, in order."""
        return Endings(self._scripts).settle(settlements)

    def store_all(self, results: Sequence[StoredResult]) -> list[int | ResponseError]:
        """Store results of tasks as Celery does, in one round trip; 0 for each that had succeeded or was cancelled."""
        return self._scripts.run_together([storing(one) for one in results])

    def end(
        self,
        job_id: str,
        kind: str,
        state: FinalState,
        result: Mapping[str, Any] | None,
        error: Mapping[str, Any] | None,
        again: OwnMessage | None = None,
        is_listed: bool = False,
        about: Mapping[str, str] | None = None,
    ) -> bool:
        """End a job; False when it had ended, or is open (again). Afterwards no PROGRESS is written for it.

        `again` is for a job that failed as a whole and may be tried again; `is_listed`: among what failed. `about` are
        fields of the record that are set if it lacks them: those of a job that was never opened.
        """
        args = [
            state,
            dumps(result) if result else "",
            dumps(error) if error else "",
            ttl_ms(),
            job_id,
            keys.JOBS,
            dumps({"kind": kind, **(about or {})}),
        ]
        if again:
            args += [again.head, again.tail, again.queue_list, int(is_listed)]
        return bool(self._scripts.run("end", _job_keys(job_id), args))

    def begin_again(self, job_id: str) -> bool:
        """Send the own message of a job that failed as a whole again; False when there is none."""
        return bool(self._scripts.run("begin_again", _job_keys(job_id), [job_id]))

    def cancel(self, job_id: str, even_unknown: bool = False) -> Cancellation:
        """End a job, and the jobs that are its open parts, as REVOKED. Tells no worker: `tasks/flow/cancel.py` does.

        `even_unknown` marks an id that is not recorded, and has no final result, as cancelled.
        """
        args = [job_id, ttl_ms(), datetime.now(UTC).isoformat(), int(even_unknown), ""]
        status, parent, part, *ids = (raw.decode() for raw in self._scripts.run("cancel", [keys.job(job_id)], args))
        return Cancellation(tuple(ids), (parent, int(part)) if parent else None, status == "unknown")

    def time_out(self, task_id: str, error: Mapping[str, Any]) -> bool:
        """End a job, or a task without one that waits, as FAILURE if its `timeout_s` is over; whether it ended now."""
        args = [task_id, ttl_ms(), "", 1, dumps(error)]
        status, *_ = self._scripts.run("cancel", [keys.job(task_id)], args)
        return bool(status == b"cancelled")

    def reopen(self, job_id: str, parts: Iterable[int]) -> int:
        """Put ended parts back to waiting and send them; how many were put back."""
        return int(self._scripts.run("reopen", _job_keys(job_id), [job_id, 1, *parts]))

    def reopen_above(self, job_id: str, part: int) -> int:
        """Put one ended part back to «sent» without a message: it is a job that goes on by itself."""
        return int(self._scripts.run("reopen", _job_keys(job_id), [job_id, 0, part]))

    def extend(self, job_id: str, total: int, payloads: Sequence[str]) -> bool:
        """Add parts to a job that is finishing with `total` of them, and send the first; False when it is not (now)."""
        sizes = packed([size_of(payload) for payload in payloads])
        args = [job_id, total, sizes, *payloads]
        return bool(self._scripts.run("extend", [*_job_keys(job_id), keys.sent(job_id)], args))

    def later(self, job_id: str, attempt: int, own: OwnMessage, parent: tuple[str, int] | None) -> Later:
        """Send the job's own message again after a pause; `attempt` is the number of the run that failed for now."""
        args = [job_id, attempt, ATTEMPTS_ALLOWED, retry_ms(), own.head, own.tail, own.queue_list]
        args += [secrets.token_hex(16), *(parent or ("", 0))]
        return _LATER[int(self._scripts.run("later", [keys.job(job_id), keys.attempts(job_id)], args))]

    def promote(self, limit: int = 100) -> int:
        """Send the delayed messages that are due; how many were sent."""
        return int(self._scripts.run("promote", [keys.DELAYED], [limit]))

    def sweep(self, job_id: str, look: int) -> Swept:
        """Send again what is nowhere of an open job, unless it was lost too often.

        Of each queue at most the next `look` messages are looked through.
        """
        script_keys = [keys.job(job_id), keys.sent(job_id), keys.HELD, keys.DELAYED, keys.OPEN, keys.attempts(job_id)]
        answer = self._scripts.run("sweep", script_keys, [job_id, look, LOSSES_ALLOWED, retry_ms()])
        found = [what.decode() for what in answer]
        return Swept(
            tuple(what for what in found if not what.endswith("!")),
            tuple(what[:-1] for what in found if what.endswith("!")),
        )

    def send(self, list_key: str, task_id: str, message: str, timeout_s: float | None = None) -> None:
        """Send the message of a task without a job, and store the result PENDING: so it can be followed by its id."""
        self._scripts.run(
            "send", [list_key, keys.RESULT_PREFIX + task_id], [message, task_id, ttl_ms(), seconds_of(timeout_s)]
        )

    def name_job(self, digest: str, job_id: str) -> None:
        """Keep which job answers a request of this digest, as long as an ended job is kept: asked again, it goes on."""
        self._redis.set(keys.reading(digest), job_id, px=ttl_ms())

    def forget(self, job_id: str) -> None:
        """Remove all that is known of a job, as if it had never been."""
        self._redis.delete(*_job_keys(job_id), keys.sent(job_id), keys.sizes(job_id), keys.RESULT_PREFIX + job_id)
        self._redis.zrem(keys.OPEN, job_id)
        self._redis.zrem(keys.FAILED, f"{job_id}.0")
        self._redis.zrem(keys.JOBS, job_id)


def _job_keys(job_id: str) -> list[str]:
    return [keys.job(job_id), keys.parts(job_id), keys.states(job_id), keys.outcomes(job_id), keys.attempts(job_id)]


def _fields_of(opening: Opening) -> dict[str, str]:
    """The record's fields as Redis keeps them."""
    parent_job, parent_part = opening.parent or ("", "")
    measure = opening.measure
    measured = {"measure": measure.name, "unit": measure.unit, measure.name: str(measure.amount)} if measure else {}
    asked = {"request": opening.request} if opening.request else {}
    asked |= {"timeout_s": seconds_of(opening.timeout_s)} if opening.timeout_s else {}
    asked |= {"variant": opening.variant} if opening.variant else {}
    asked |= {"names_artifacts": "1"} if opening.names_artifacts else {}
    return (
        measured
        | asked
        | {
            "kind": opening.kind,
            "title": opening.title,
            "model": opening.model,
            "voice": opening.voice,
            "params": dumps(opening.params),
            "width": str(opening.width or 0),
            "part_task": opening.part_task,
            "part_queue": opening.part_queue,
            "part_list": opening.part_list,
            "part_priority": str(opening.part_priority),
            "part_results": str(int(opening.part_results)),
            "finish_head": opening.finish_head,
            "finish_tail": opening.finish_tail,
            "finish_list": opening.finish_list,
            "root": opening.root,
            "parent_job": parent_job,
            "parent_part": str(parent_part),
            "ttl_ms": str(ttl_ms()),
            "retry_ms": str(retry_ms()),
        }
    )
