"""What is known of jobs and their parts, and beside them which models are paused. Reads only, and decides nothing.

One exception: a listing drops ids whose record has expired.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tasks import pauses
from tasks.flow.ledger.record import OwnMessage, Record, read_record
from tasks.pauses import Pause
from tasks.redis import keys
from tasks.routing import FLOW_QUEUE

if TYPE_CHECKING:
    from redis import Redis

RECORDS_AT_ONCE = 500
"""How many records of a list are read in one round trip."""

OUTCOMES_AT_ONCE = 1000
"""How many outcomes of a job are read in one command."""


class Queries:
    """Questions about jobs; each method reads Redis again."""

    def __init__(self, client: Redis) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»

    def record(self, job_id: str) -> Record | None:
        """The job's record, or None when no such job is known (any more)."""
        return _record(job_id, self._redis.hgetall(keys.job(job_id)))

    def exists(self, job_id: str) -> bool:
        """Whether anything is known of this id: a record, or a result of Celery's."""
        return bool(self._redis.exists(keys.job(job_id), keys.RESULT_PREFIX + job_id))

    def request_of(self, task_id: str) -> str:
        """The digest of the request that this id belongs to; empty if none has it."""
        found = self._redis.hget(keys.job(task_id), "request") or self._redis.hget(keys.attempts(task_id), "request")
        return (found or b"").decode()

    def stored_result(self, job_id: str) -> dict[str, Any] | None:
        """What Celery has stored under the job's id (`status`, `result`, …), or None; PROGRESS too."""
        return _stored(self._redis.get(keys.RESULT_PREFIX + job_id))

    def standing(self, job_id: str) -> tuple[dict[str, Any] | None, Record | None, dict[str, Pause]]:
        """`stored_result`, then `record`, then the paused models, in one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.get(keys.RESULT_PREFIX + job_id)
        pipe.hgetall(keys.job(job_id))
        pipe.hgetall(keys.PAUSED)
        stored, record, paused = pipe.execute()
        return _stored(stored), _record(job_id, record), pauses.read(paused)

    def named(self, digest: str) -> Record | None:
        """The record of the job that was named by this digest of its request, or None."""
        raw = self._redis.get(keys.reading(digest))
        return self.record(raw.decode()) if raw else None

    def has_worker(self, model: str) -> bool:
        """Whether a slot worker of this model is ready now."""
        seconds, micro = self._redis.time()
        return bool(self._redis.zcount(keys.capacity(model), seconds * 1000 + micro // 1000, "+inf"))

    def is_paused(self, model: str) -> bool:
        """Whether nothing new may begin on this model's slots now."""
        return bool(self._redis.hexists(keys.PAUSED, model))

    def jobs(self, limit: int = 100) -> list[Record]:
        """The latest jobs, newest first; ids whose record has expired are dropped on the way."""
        ids = [raw.decode() for raw in self._redis.zrevrange(keys.JOBS, 0, limit - 1)]
        found: dict[str, Record | None] = {}
        for first in range(0, len(ids), RECORDS_AT_ONCE):
            some = ids[first : first + RECORDS_AT_ONCE]
            pipe = self._redis.pipeline(transaction=False)
            for job_id in some:
                pipe.hgetall(keys.job(job_id))
            found |= {job_id: _record(job_id, raw) for job_id, raw in zip(some, pipe.execute(), strict=True)}
        if expired := [job_id for job_id, record in found.items() if record is None]:
            self._redis.zrem(keys.JOBS, *expired)
        return [record for record in found.values() if record is not None]

    def open_jobs(self, limit: int) -> list[str]:
        """Jobs that have not ended, those first that the sweep has not looked at for longest."""
        return [raw.decode() for raw in self._redis.zrange(keys.OPEN, 0, limit - 1)]

    def overdue(self, limit: int) -> list[tuple[str, float]]:
        """Ids of jobs, and of tasks without a job, whose `timeout_s` is over, and that; at most so many."""
        seconds, micro = self._redis.time()
        now_ms = seconds * 1000 + micro // 1000
        ids = [raw.decode() for raw in self._redis.zrangebyscore(keys.TIMEOUTS, "-inf", now_ms, 0, limit)]
        pipe = self._redis.pipeline(transaction=False)
        for one in ids:
            pipe.hget(keys.job(one), "timeout_s").hget(keys.attempts(one), "timeout_s")
        found = pipe.execute() if ids else []
        return [(one, float(a or b or 0)) for one, a, b in zip(ids, found[0::2], found[1::2], strict=True)]

    def cancelled(self, job_ids: Iterable[str]) -> set[str]:
        """Those of them that were cancelled."""
        wanted = list(job_ids)
        pipe = self._redis.pipeline(transaction=False)
        for job_id in wanted:
            pipe.hget(keys.job(job_id), "outcome")
        return {job_id for job_id, outcome in zip(wanted, pipe.execute(), strict=True) if outcome == b"REVOKED"}

    def failed(self, limit: int = 1000) -> list[tuple[str, int, float]]:
        """Parts that failed for good: job, part, and when (seconds since 1970), the latest first."""
        rows = self._redis.zrevrange(keys.FAILED, 0, limit - 1, withscores=True)
        split = [(raw.decode().rpartition("."), at) for raw, at in rows]
        return [(job_id, int(part), at / 1000) for (job_id, _, part), at in split]

    def params(self, job_id: str) -> dict[str, Any]:
        """The parameters that all parts of a job share, as they were given at its opening."""
        params: dict[str, Any] = json.loads(self._redis.hget(keys.job(job_id), "params") or "{}")
        return params

    def states(self, job_id: str) -> str:
        """One character a part: `.` waiting, `q` sent, `d` done, `f` failed, `s` skipped; empty when unknown."""
        return (self._redis.get(keys.states(job_id)) or b"").decode()

    def outcomes(self, job_id: str) -> dict[int, dict[str, Any]]:
        """The outcome of each ended part, by part number; JSON-ready, as it was settled.

        Read in pieces: for a job of tens of thousands of parts one command would hold up every worker.
        """
        return {part: json.loads(text) for part, text in self._outcomes(job_id)}

    def outcome(self, job_id: str, part: int) -> dict[str, Any] | None:
        """The outcome of one part, or None while it has not ended."""
        raw = self._redis.hget(keys.outcomes(job_id), str(part))
        return json.loads(raw) if raw else None

    def payloads(self, job_id: str) -> list[str]:
        """The payloads of all parts, in order."""
        return [payload.decode() for payload in self._redis.lrange(keys.parts(job_id), 0, -1)]

    def payload(self, job_id: str, part: int) -> str | None:
        """One part's payload, or None when it is not known (any more)."""
        raw = self._redis.lindex(keys.parts(job_id), part - 1)
        return raw.decode() if raw is not None else None

    def is_message_of(self, job_id: str, tag: str, part: int | None = None) -> bool:
        """Whether the message with this tag is the one that the ledger knows of the job itself, or of a part."""
        names = ["start", "end"] if part is None else [str(part)]
        return any(tag.encode() in known for known in self._redis.hmget(keys.sent(job_id), names) if known)

    def own_message(self, job_id: str) -> OwnMessage | None:
        """The job's own message, to be sent again; None if it is not known."""
        head, tail, queue_list, sent_list = self._redis.hmget(
            keys.job(job_id), "finish_head", "finish_tail", "finish_list", "sent_list"
        )
        if head:
            return OwnMessage(head.decode(), tail.decode(), queue_list.decode())
        start = self._redis.hget(keys.sent(job_id), "start")
        if not start or not sent_list:
            return None
        text, tag = start.decode(), str(json.loads(start)["properties"]["delivery_tag"])
        head_text, _, tail_text = text.partition(tag)
        return OwnMessage(head_text, tail_text, sent_list.decode())

    def texts(self, job_id: str) -> list[bytes]:
        """Every text of a job's record in which an artifact may be named."""
        found = [self._redis.hget(keys.sent(job_id), "start"), *(text for _, text in self._outcomes(job_id))]
        names = ("finish_head", "params", "part_queue", "names_artifacts")
        finish_head, params, part_queue, names_artifacts = self._redis.hmget(keys.job(job_id), names)
        found += [finish_head, params]
        # Of parts that are jobs the texts may lie in the store. Other payloads are only read where it is worth it.
        if part_queue == FLOW_QUEUE.encode() or names_artifacts:
            found += self._redis.lrange(keys.parts(job_id), 0, -1)
        return [text for text in found if text]

    def _outcomes(self, job_id: str) -> Iterator[tuple[int, bytes]]:
        total = int(self._redis.hget(keys.job(job_id), "total") or 0)
        for first in range(1, total + 1, OUTCOMES_AT_ONCE):
            some = range(first, min(first + OUTCOMES_AT_ONCE, total + 1))
            texts = self._redis.hmget(keys.outcomes(job_id), some)
            yield from ((part, text) for part, text in zip(some, texts, strict=True) if text)


def _stored(raw: bytes | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(raw) if raw else None
    return found


def _record(job_id: str, raw: dict[bytes, bytes]) -> Record | None:
    return read_record(job_id, {k.decode(): v.decode() for k, v in raw.items()}) if b"state" in raw else None
