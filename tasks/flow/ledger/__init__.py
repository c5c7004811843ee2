"""The ledger: the record in Redis of a job's parts, and the only place that decides.

What is done, what comes next and whether a job is finished is decided by one Lua script
a step (`lua/*.lua`; each head names its keys and its guarantee), so there is no moment
between «settled» and «sent». This module only carries values in and out of the scripts;
it computes no audio, and never waits.

A part is known by its number, from 1. A payload is one flag character followed by text
whose first line a person can read; only the job's kind reads more into it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from redis.exceptions import ResponseError

from tasks import keys
from tasks.flow.ledger.record import (
    NESTING,
    Cancelled,
    Claim,
    Opening,
    Outcome,
    Record,
    Settled,
    Settlement,
    StoredResult,
    Taken,
    Verdict,
    read_record,
)
from tasks.scripts import Scripts
from tasks.settings import settings

if TYPE_CHECKING:
    from redis import Redis

WAITING, SENT, DONE, FAILED, SKIPPED = ".qdfs"
ATTEMPTS_ALLOWED = 3
FOLLOWS, SPENT, TOO_SOON = 0, -1, -2

Answer = TypeVar("Answer")


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Ledger:
    """The ledger's steps, on a client of the broker's own Redis database."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»
        self._lua = Scripts(client)

    def submit(self, job_id: str, kind: str, title: str, model: str, voice: str, list_key: str, message: str) -> bool:
        """Record a job and send its task's message in one step; False when it is recorded already."""
        record = {"kind": kind, "title": title, "model": model, "voice": voice}
        script_keys = [keys.job(job_id), keys.JOBS, list_key]
        return bool(self._lua.run("submit", script_keys, [job_id, _dumps(record), message]))

    def open(self, job_id: str, opening: Opening) -> int:
        """Open the job and send its first parts; parts to compute, or -1 when it was open already."""
        parent_job, parent_part = opening.parent or ("", "")
        record = {
            "kind": opening.kind,
            "title": opening.title,
            "model": opening.model,
            "voice": opening.voice,
            "params": _dumps(opening.params),
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
            "ttl_ms": str(self.ttl_ms),
            "retry_ms": str(self.retry_ms),
        }
        parts = range(1, len(opening.payloads) + 1)
        states = "".join(SKIPPED if part in opening.skipped else WAITING for part in parts)
        skipped = {str(part): _dumps(reason) for part, reason in opening.skipped.items()}
        script_keys = [keys.job(job_id), keys.JOBS, keys.parts(job_id), keys.states(job_id), keys.outcomes(job_id)]
        return int(
            self._lua.run("open", script_keys, [job_id, _dumps(record), states, _dumps(skipped), *opening.payloads])
        )

    def take(self, job_id: str, part: int) -> Taken | None:
        """What a run of this part needs; None when the part or its job has ended."""
        return _or_raise(self.take_all([(job_id, part)])[0])

    def take_all(self, runs: Sequence[tuple[str, int]]) -> list[Taken | ResponseError | None]:
        """`take` for each in one round trip; part 0 is a bare task: None when it was cancelled."""
        rooms = (keys.job, keys.parts, keys.states, keys.attempts)
        replies = self._lua.run_all("take", [([room(job_id) for room in rooms], [part]) for job_id, part in runs])
        return [reply if isinstance(reply, ResponseError) else _taken(reply) for reply in replies]

    def settle(
        self,
        job_id: str,
        part: int,
        verdict: Verdict,
        outcome: Mapping[str, Any],
        computed: int = 0,
        audio_s: float = 0.0,
        attempt: int = 0,
    ) -> Settled:
        """Settle a part: mark it, tell PROGRESS, send what is next. `late` means that it changed nothing.

        `again` sends the part once more, or fails it when its attempts are used up.
        """
        return _or_raise(self.settle_all([Settlement(job_id, part, verdict, outcome, computed, audio_s, attempt)])[0])

    def settle_all(self, settlements: Sequence[Settlement]) -> list[Settled | ResponseError]:
        """`settle` for each in one round trip, in order."""
        rooms = (keys.job, keys.states, keys.outcomes, keys.attempts)
        calls = []
        for one in settlements:
            told = [one.verdict, _dumps(one.outcome), one.computed, f"{one.audio_s:.6f}", ATTEMPTS_ALLOWED, one.attempt]
            calls.append(([room(one.job_id) for room in rooms], [one.job_id, one.part, *told]))
        replies = self._lua.run_all("settle", calls)
        return [reply if isinstance(reply, ResponseError) else cast(Settled, reply.decode()) for reply in replies]

    def store_all(self, results: Sequence[StoredResult]) -> list[int | ResponseError]:
        """Store results of tasks as Celery does, in one round trip; 0 for each that had succeeded already."""
        return self._lua.run_all("result", [([one.key], [one.value, one.keep_s]) for one in results])

    def end(
        self,
        job_id: str,
        kind: str,
        outcome: Outcome,
        result: Mapping[str, Any] | None,
        error: Mapping[str, Any] | None,
    ) -> bool:
        """End a job; False when it had ended, or is open (again). Afterwards no PROGRESS is written for it."""
        args = [outcome, _dumps(result) if result else "", _dumps(error) if error else "", self.ttl_ms]
        return bool(self._lua.run("end", self._job_keys(job_id), [*args, job_id, keys.JOBS, kind]))

    def cancel(self, job_id: str, even_unknown: bool = False) -> Cancelled:
        """End a job, and the jobs that are its open parts, as REVOKED. Tells nobody: `tasks/flow/cancel.py` does.

        `even_unknown` marks an id that is not recorded, and has no final result, as cancelled.
        """
        args = [job_id, self.ttl_ms, datetime.now(UTC).isoformat(), int(even_unknown)]
        status, parent, part, *ids = (raw.decode() for raw in self._lua.run("cancel", [keys.job(job_id)], args))
        return Cancelled(tuple(ids), (parent, int(part)) if parent else None, status == "unknown")

    def cancelled(self, job_ids: Iterable[str]) -> set[str]:
        """Those of them that were cancelled."""
        wanted = list(job_ids)
        pipe = self._redis.pipeline(transaction=False)
        for job_id in wanted:
            pipe.hget(keys.job(job_id), "outcome")
        return {job_id for job_id, outcome in zip(wanted, pipe.execute(), strict=True) if outcome == b"REVOKED"}

    def reopen(self, job_id: str, parts: Iterable[int]) -> int:
        """Put ended parts back to waiting and send them; how many were put back."""
        return int(self._lua.run("reopen", self._job_keys(job_id), [job_id, 1, *parts]))

    def reopen_above(self, job_id: str, part: int) -> int:
        """Put one ended part back to «sent» without a message: it is a job that goes on by itself."""
        return int(self._lua.run("reopen", self._job_keys(job_id), [job_id, 0, part]))

    def extend(self, job_id: str, total: int, payloads: Sequence[str]) -> bool:
        """Add parts to a job that is finishing with `total` of them, and send the first; False when it is not (now)."""
        return bool(self._lua.run("extend", [*self._job_keys(job_id), keys.sent(job_id)], [job_id, total, *payloads]))

    def promote(self, limit: int = 100) -> int:
        """Send the delayed messages that are due; how many were sent."""
        return int(self._lua.run("promote", [keys.DELAYED], [limit]))

    def sweep(self, job_id: str, look: int) -> list[str]:
        """Send again what is nowhere of an open job: part numbers, `start` or `end`.

        Of each queue at most the next `look` messages are looked through.
        """
        script_keys = [keys.job(job_id), keys.sent(job_id), keys.HELD, keys.DELAYED, keys.OPEN]
        return [what.decode() for what in self._lua.run("sweep", script_keys, [job_id, look])]

    def open_jobs(self, limit: int) -> list[str]:
        """Jobs that have not ended, those first that the sweep has not looked at for longest."""
        return [raw.decode() for raw in self._redis.zrange(keys.OPEN, 0, limit - 1)]

    def failed(self, limit: int = 1000) -> list[tuple[str, int, float]]:
        """Parts that failed for good: job, part, and when (seconds since 1970), the latest first."""
        rows = self._redis.zrevrange(keys.FAILED, 0, limit - 1, withscores=True)
        split = [(raw.decode().rpartition("."), at) for raw, at in rows]
        return [(job_id, int(part), at / 1000) for (job_id, _, part), at in split]

    def trim_jobs(self, limit: int) -> int:
        """Take the oldest jobs whose record has expired off the listing; how many of `limit` were."""
        ids = [raw.decode() for raw in self._redis.zrange(keys.JOBS, 0, limit - 1)]
        gone = [job_id for job_id in ids if not self._redis.exists(keys.job(job_id))]
        if gone:
            self._redis.zrem(keys.JOBS, *gone)
        return len(gone)

    def texts(self, job_id: str) -> list[bytes]:
        """Every text of a job's record in which an artifact may be named."""
        found = [self._redis.hget(keys.sent(job_id), "start"), *self._redis.hvals(keys.outcomes(job_id))]
        if record := self.record(job_id):
            found += self._redis.lrange(keys.parts(job_id), 0, -1) if record.kind in NESTING else []
            found.append(self._redis.hget(keys.job(job_id), "finish_head"))
        return [text for text in found if text]

    def forget(self, job_id: str) -> None:
        """Remove all that is known of a job, as if it had never been."""
        self._redis.delete(*self._job_keys(job_id), keys.sent(job_id), keys.RESULT_PREFIX + job_id)
        self._redis.zrem(keys.OPEN, job_id)
        self._redis.zrem(keys.JOBS, job_id)

    def claim(self, artifact: str, tag: str, copy: tuple[str, str], run_of: tuple[str, int]) -> int:
        """Begin to compute an artifact: which attempt this is, from 1, or `FOLLOWS`, `SPENT` or `TOO_SOON`."""
        return _or_raise(self.claim_all([Claim(artifact, tag, copy, run_of)])[0])

    def claim_all(self, claims: Sequence[Claim]) -> list[int | ResponseError]:
        """`claim` for each in one round trip, in order."""
        follow_ms = int(settings().lease_s * 2000)
        calls = []
        for one in claims:
            job_id, part = one.run_of
            hands = [keys.hand(one.artifact), keys.followers(one.artifact), keys.LEASES]
            token = secrets.token_hex(8)
            args = [one.tag, *one.copy, part, ATTEMPTS_ALLOWED, self.retry_ms, follow_ms, self.ttl_ms, token]
            calls.append(([*hands, keys.attempts(job_id), keys.sent(job_id)], args))
        return self._lua.run_all("claim", calls)

    def uncount(self, tag: str, run_of: tuple[str, int]) -> bool:
        """Take back the attempt that the message `tag` began: its run was ended for no fault of its own."""
        job_id, part = run_of
        return bool(self._lua.run("uncount", [keys.attempts(job_id)], [part, tag]))

    def tell_loss(self, run_of: tuple[str, int], why: str) -> None:
        """Keep what ended the last run of a part (or of a bare task, part 0); forgotten with its attempts."""
        job_id, part = run_of
        if self._redis.hexists(keys.attempts(job_id), part):
            self._redis.hset(keys.attempts(job_id), f"{part}?", why)

    def loss(self, run_of: tuple[str, int]) -> str:
        """What ended the last run that was lost; empty when nobody could tell (its whole worker died)."""
        job_id, part = run_of
        return (self._redis.hget(keys.attempts(job_id), f"{part}?") or b"").decode()

    def later(
        self, job_id: str, head: str, tail: str, list_key: str, tries: int, parent: tuple[str, int] | None
    ) -> bool:
        """Send the job's own message (`head` + a new tag + `tail`) again after a pause; False when its tries are up."""
        script_keys = [keys.job(job_id), keys.sent(job_id), keys.attempts(job_id)]
        tag = secrets.token_hex(16)
        args = [head, tail, list_key, tag, tries, self.retry_ms, self.ttl_ms, *(parent or ("", 0))]
        return bool(self._lua.run("later", script_keys, args))

    def release(self, artifact: str, tag: str) -> int:
        """Let go of an artifact (`""`: whoever has it, for it is made) and send on who waited; how many did."""
        return _or_raise(self.release_all([(artifact, tag)])[0])

    def release_all(self, hands: Sequence[tuple[str, str]]) -> list[int | ResponseError]:
        """`release` for each artifact and tag in one round trip, in order."""
        calls = [([keys.hand(artifact), keys.followers(artifact), keys.DELAYED], [tag]) for artifact, tag in hands]
        return self._lua.run_all("release", calls)

    def record(self, job_id: str) -> Record | None:
        """The job's record, or None when no such job is known (any more)."""
        raw = self._redis.hgetall(keys.job(job_id))
        return read_record(job_id, {k.decode(): v.decode() for k, v in raw.items()}) if b"state" in raw else None

    def outcomes(self, job_id: str) -> dict[int, dict[str, Any]]:
        """What each ended part came to, by part number; JSON-ready values as they were settled."""
        return {int(part): json.loads(text) for part, text in self._redis.hgetall(keys.outcomes(job_id)).items()}

    def params(self, job_id: str) -> dict[str, Any]:
        """The parameters that all parts of a job share, as they were given at its opening."""
        params: dict[str, Any] = json.loads(self._redis.hget(keys.job(job_id), "params") or "{}")
        return params

    def outcome(self, job_id: str, part: int) -> dict[str, Any] | None:
        """What one part came to, or None while it has not ended."""
        raw = self._redis.hget(keys.outcomes(job_id), str(part))
        return json.loads(raw) if raw else None

    def payload(self, job_id: str, part: int) -> str | None:
        """One part's payload, or None when it is not known (any more)."""
        raw = self._redis.lindex(keys.parts(job_id), part - 1)
        return raw.decode() if raw is not None else None

    def set_aside(self, list_key: str, reason: str, message: str) -> None:
        """Put a message out of the way, whole, with the reason: for a person to look at and send again."""
        about = {"queue": list_key, "reason": reason, "time": int(self._redis.time()[0]) * 1000}
        self._redis.rpush(keys.SET_ASIDE, f"{_dumps(about)}\n{message}")

    def set_asides(self, limit: int) -> list[bytes]:
        """The entries set aside, the latest last: a line of JSON (queue, reason, time in ms), then the message."""
        return list(self._redis.lrange(keys.SET_ASIDE, -limit, -1))

    def trim_set_asides(self, oldest_ms: float, limit: int) -> int:
        """Forget what was set aside before `oldest_ms`; how many of the `limit` oldest were."""
        old = [
            entry
            for entry in self._redis.lrange(keys.SET_ASIDE, 0, limit - 1)
            if float(json.loads(entry.partition(b"\n")[0])["time"]) < oldest_ms
        ]
        # One by one, by what they are: somebody may be sending one of them again.
        return sum(self._redis.lrem(keys.SET_ASIDE, 1, entry) for entry in old)

    def resend(self, entry: bytes, list_key: str, message: bytes) -> int:
        """Send a set-aside message again; 0 when somebody did already."""
        script_keys = [keys.SET_ASIDE, list_key, keys.attempts(_task_id(message))]
        return int(self._lua.run("resend", script_keys, [entry, message]))

    def payloads(self, job_id: str) -> list[str]:
        """The payloads of all parts, in order."""
        return [payload.decode() for payload in self._redis.lrange(keys.parts(job_id), 0, -1)]

    def states(self, job_id: str) -> str:
        """One character a part: `.` waiting, `q` sent, `d` done, `f` failed, `s` skipped; empty when unknown."""
        return (self._redis.get(keys.states(job_id)) or b"").decode()

    def jobs(self, limit: int = 100) -> list[Record]:
        """The latest jobs, newest first; ids whose record has expired are dropped on the way."""
        ids = [raw.decode() for raw in self._redis.zrevrange(keys.JOBS, 0, limit - 1)]
        found = {job_id: self.record(job_id) for job_id in ids}
        if expired := [job_id for job_id, record in found.items() if record is None]:
            self._redis.zrem(keys.JOBS, *expired)
        return [record for record in found.values() if record is not None]

    @property
    def ttl_ms(self) -> int:
        """How long an ended job is kept, in ms."""
        return int(settings().job_ttl_s * 1000)

    @property
    def retry_ms(self) -> int:
        """The pause before a part's second run, in ms; each further one is four times as long."""
        return int(settings().retry_s * 1000)

    @staticmethod
    def _job_keys(job_id: str) -> list[str]:
        return [
            keys.job(job_id),
            keys.parts(job_id),
            keys.states(job_id),
            keys.outcomes(job_id),
            keys.attempts(job_id),
        ]


def _taken(reply: list[bytes]) -> Taken | None:
    return Taken(reply[0].decode(), json.loads(reply[1]), int(reply[2])) if reply else None


def _or_raise(answer: Answer | ResponseError) -> Answer:
    if isinstance(answer, ResponseError):
        raise answer
    return answer


def _task_id(message: bytes) -> str:
    try:
        return str(json.loads(message)["headers"]["id"])
    except (ValueError, TypeError, KeyError):
        return ""
