"""What is open now: the jobs with what is left of them, the slots that live, and how fast they are. Reads only.

It takes four round trips, however many jobs are open. Computes no estimate (`forecast.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks import pauses
from tasks.estimates import pace
from tasks.estimates.pace import Pace
from tasks.flow.ledger.record import DONE, FAILED, SENT, WAITING
from tasks.flow.ledger.sizes import unpacked
from tasks.pauses import Pause
from tasks.redis import keys
from tasks.routing import ALONE, FLOW_QUEUE, OF_JOB, list_key, priority_of, queue_of

if TYPE_CHECKING:
    from redis import Redis

MOST_JOBS = 2000
"""With more open jobs nothing is estimated: reading them all would cost Redis more than an answer is worth."""

_FIELDS = (
    "state", "kind", "model", "total", "width", "part_queue", "part_list", "part_priority", "parent_job", "parent_part",
    "opened_total", "opened_ms", "finishing_ms",
)  # fmt: skip


@dataclass(frozen=True)
class OpenJob:
    """A job that has not ended, and what is left of it.

    `left` maps each part that has not ended to its size; None where sizes are not known. `whole` is the size of all
    parts. Parts of a nested job are jobs: those of them that are open are in the snapshot too.
    """

    job_id: str
    kind: str
    state: str
    model: str
    priority: int
    is_nested: bool
    total: int
    parts_left: Sequence[int]
    left: Mapping[int, int] | None
    whole: float
    width: int = 0
    parent: str = ""
    parent_part: int = 0
    opened_total: int = 0
    finishing_s: float = 0.0
    """How long it has been finishing."""
    sent: int = 0
    """Messages of its parts that wait or run."""
    ended: int = 0
    """Parts that were computed, or failed."""
    opened_s: float = 0.0
    """When it was opened, in seconds since 1970."""


@dataclass(frozen=True)
class ModelNow:
    """A model's slots that take messages now, the single inputs in its queue, its pace, and whether it is paused."""

    slots: int
    alone: int = 0
    pace: Pace | None = None
    pause: Pause | None = None


@dataclass(frozen=True)
class KindNow:
    """How long the end of a job of this kind takes, by its parts, and how many parts it grows to for each one."""

    end: Pace | None = None
    growth: float = 1.0


@dataclass(frozen=True)
class Snapshot:
    """All open jobs at one moment; `now_s` is in seconds since 1970, by Redis' clock. `is_whole`: all were read."""

    now_s: float
    jobs: Mapping[str, OpenJob]
    models: Mapping[str, ModelNow] = field(default_factory=dict)
    kinds: Mapping[str, KindNow] = field(default_factory=dict)
    has_flow: bool = True
    is_whole: bool = True


def take(client: Redis) -> Snapshot:
    """What is open now; raises redis-py's errors."""
    now_s, ids, paused, flow = _first(client)
    if len(ids) > MOST_JOBS:
        return Snapshot(now_s, {}, has_flow=bool(flow), is_whole=False)
    jobs = {job.job_id: job for job in _jobs(client, ids, now_s)}
    now_ms = round(now_s * 1000)
    models = _models(client, jobs.values(), pauses.read(paused), now_ms)
    kinds = _kinds(client, {job.kind for job in jobs.values()})
    return Snapshot(now_s, jobs, models, kinds, has_flow=flow > now_ms)


def _first(client: Redis) -> tuple[float, list[str], Any, float]:
    """Redis' clock, the ids of open jobs, what is paused, and when the last lease of a flow worker ends."""
    pipe: Any = client.pipeline(transaction=False)
    pipe.time()
    pipe.zrange(keys.OPEN, 0, MOST_JOBS)
    pipe.hgetall(keys.PAUSED)
    pipe.zrange(keys.capacity(FLOW_QUEUE), -1, -1, withscores=True)
    (seconds, micros), ids, paused, flow = pipe.execute()
    return seconds + micros / 1e6, [raw.decode() for raw in ids], paused, flow[0][1] if flow else 0.0


def _jobs(client: Redis, ids: Sequence[str], now_s: float) -> Iterable[OpenJob]:
    pipe: Any = client.pipeline(transaction=False)
    for job_id in ids:
        pipe.hmget(keys.job(job_id), _FIELDS).get(keys.states(job_id)).get(keys.sizes(job_id))
    answers = iter(pipe.execute())
    for job_id, values, states, sizes in zip(ids, answers, answers, answers, strict=True):
        record = {name: value.decode() for name, value in zip(_FIELDS, values, strict=True) if value is not None}
        if record.get("state", "ended") != "ended":
            yield _job(job_id, record, (states or b"").decode(), unpacked(sizes), now_s)


def _job(job_id: str, record: Mapping[str, str], states: str, sizes: Sequence[int], now_s: float) -> OpenJob:
    is_sent = record["state"] == "sent"
    marks = WAITING * len(sizes) if is_sent else states
    left = [part for part, mark in enumerate(marks, 1) if mark in (WAITING, SENT)]
    is_known = bool(sizes) and len(sizes) == len(marks)
    part_list = record.get("part_list", "")
    finishing_ms = float(record.get("finishing_ms") or 0)
    return OpenJob(
        job_id=job_id,
        kind=record.get("kind", ""),
        state=record["state"],
        model=record.get("model", ""),
        priority=priority_of(part_list) if part_list else OF_JOB,
        is_nested=record.get("part_queue") == FLOW_QUEUE,
        total=len(marks),
        parts_left=left,
        left={part: sizes[part - 1] for part in left} if is_known else None,
        whole=float(sum(sizes)),
        width=int(record.get("width") or 0),
        parent=record.get("parent_job", ""),
        parent_part=int(record.get("parent_part") or 0),
        opened_total=int(record.get("opened_total") or 0),
        sent=marks.count(SENT),
        ended=marks.count(DONE) + marks.count(FAILED),
        opened_s=float(record.get("opened_ms") or 0) / 1000,
        finishing_s=max(0.0, now_s - finishing_ms / 1000) if record["state"] == "finishing" and finishing_ms else 0.0,
    )


def _models(client: Redis, jobs: Collection[OpenJob], paused: Mapping[str, Pause], now_ms: int) -> dict[str, ModelNow]:
    names = sorted({job.model for job in jobs})
    pipe: Any = client.pipeline(transaction=False)
    for name in names:
        pipe.zcount(keys.capacity(name), now_ms, "+inf").llen(list_key(queue_of(name), ALONE)).hgetall(keys.pace(name))
    answers = iter(pipe.execute())
    parts = Counter(job.model for job in jobs for _ in range(job.sent) if job.priority == ALONE and not job.is_nested)
    return {
        name: ModelNow(slots, max(0, urgent - parts[name]), pace.read(measured), paused.get(name))
        for name, slots, urgent, measured in zip(names, answers, answers, answers, strict=True)
    }


def _kinds(client: Redis, names: set[str]) -> dict[str, KindNow]:
    pipe: Any = client.pipeline(transaction=False)
    for name in names:
        pipe.hgetall(keys.pace(f"flow:{name}"))
    return {
        name: KindNow(pace.read(found), pace.growth(found)) for name, found in zip(names, pipe.execute(), strict=True)
    }
