"""The health of workers: their last heartbeats, and the decision which workers are healthy.

A worker is healthy when its heartbeat is recent, its child lives, its model is loaded, and
its queue moves. `read` reads the heartbeats from Redis; `why_unhealthy` alone decides about
one. No worker is asked, so this also works while all workers compute.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from tasks.redis import keys
from tasks.routing import FLOW_QUEUE, list_keys, queue_of
from tasks.terminal.printable import counted

if TYPE_CHECKING:
    from redis import Redis

KEPT_S = 60.0
"""How long the last heartbeat of a worker is kept: a dead worker is listed as unhealthy for this time."""

BEATS_MISSED = 3
STUCK_S = 10.0
FAILURES_IN_A_ROW = 3
DEATHS_IN_A_ROW = 3

NEWER_FIELDS = ("machine", "reads", "refused", "store", "stage", "stage_s", "version")
"""Readers of older versions fail on a field that they do not know, so these stand in a key of their own."""

LOADED = frozenset({"ready", "busy"})
RECYCLING = "recycling"
"""The state of a slot whose child is replaced because its memory has grown: planned, and not unhealthy."""


@dataclass(frozen=True)
class Beat:
    """One heartbeat: the status of a worker when it wrote it. Durations are in seconds.

    `model` is None for a flow worker, whose `state` is `running`. `state_s` is the age of the state, `busy_s` the
    age of the run in the model (None: idle), `done_s` the time since a request last ended (None: none yet), `stuck_s`
    how long the worker has been idle with messages in its queue. `on_demand`: the model is unloaded by design (lazy,
    or idle for long); the slot takes messages, and the first one loads the model. `refused`: the rights at Redis that
    the worker has lost since it started.
    """

    worker: str
    host: str
    pid: int
    model: str | None
    state: str
    state_s: float
    child_alive: bool
    busy_s: float | None
    done_s: float | None
    stall_s: float | None
    waiting: int
    stuck_s: float
    failures: int
    deaths: int
    closed: str
    beat_s: float
    on_demand: bool = False
    machine: str = ""
    """Another one for each machine, also of one hostname; empty in the heartbeat of an older version."""
    reads: bool = True
    """Whether the worker reads its queue: Celery's `cancel_consumer` ends that, `add_consumer` begins it again."""
    refused: str = ""
    store: str = ""
    """The id of the worker's store (`tasks/store/identity.py`)."""
    stage: str = ""
    """What a slot does beside its model and for too long: making ready, putting away; empty if nothing is."""
    stage_s: float = 0.0
    version: str = ""
    """The worker's version of slotline; empty in the heartbeat of an older version, which does not say it."""

    @classmethod
    def parse(cls, text: str | bytes, more: str | bytes = "{}") -> Beat:
        """A heartbeat of any version: fields that are not known here are left out, missing new ones have a default."""
        known = {field.name for field in fields(cls)}
        found = {**json.loads(text), **json.loads(more)}
        return cls(**{name: value for name, value in found.items() if name in known})


@dataclass(frozen=True)
class Standing:
    """A worker's last heartbeat, its age in seconds, and why the worker is unhealthy (empty: it is healthy)."""

    beat: Beat
    age_s: float
    why: str

    def fields(self) -> dict[str, Any]:
        """The fields of its JSON."""
        return {**asdict(self.beat), "age_s": round(self.age_s, 1), "healthy": not self.why, "why": self.why}


def messages_wait(count: int) -> str:
    """`1 message waits`, `2 messages wait`."""
    return counted(count, "message waits", "messages wait")


def why_unhealthy(beat: Beat, age_s: float) -> str:
    """One line that says why the worker is unhealthy, or an empty string. Pure."""
    if age_s > BEATS_MISSED * beat.beat_s + 1:
        return f"no heartbeat for {age_s:.0f} s: it is dead, frozen, cut off from Redis, or refused by it"
    if beat.refused:
        return beat.refused
    if beat.closed:
        return beat.closed
    is_planned = beat.state == RECYCLING
    if not beat.child_alive and not is_planned:
        return f"its child is gone ({beat.state})"
    if beat.model is not None and beat.state not in LOADED and not (beat.on_demand or is_planned):
        return f"its model is not loaded ({beat.state} for {beat.state_s:.0f} s)"
    return _why_work_does_not_move(beat, age_s)


def _why_work_does_not_move(beat: Beat, age_s: float) -> str:
    if beat.stage:
        return f"{beat.stage} for {beat.stage_s + age_s:.0f} s: the store, Redis or the process beside its model hangs"
    if beat.busy_s is not None and beat.stall_s is not None and beat.busy_s + age_s > beat.stall_s:
        return f"busy with one batch for {beat.busy_s + age_s:.0f} s, which is longer than stall_s = {beat.stall_s:g}"
    if beat.failures >= FAILURES_IN_A_ROW:
        return f"its model failed on the last {beat.failures} different parts"
    if beat.deaths >= DEATHS_IN_A_ROW:
        what = "a batch" if beat.model is not None else "a task"
        return f"its child died {beat.deaths} times in a row without finishing {what}"
    if not beat.reads and beat.waiting:
        return f"it reads no queue since `cancel_consumer` (`add_consumer` ends that); {messages_wait(beat.waiting)}"
    if beat.stuck_s >= STUCK_S:
        return f"idle for {beat.stuck_s:.0f} s though {messages_wait(beat.waiting)} in its queue"
    return ""


def read(client: Redis) -> list[Standing]:
    """All workers with a heartbeat in the last minute, by name."""
    names: list[Any] = sorted(client.scan_iter(match=keys.health("*"), count=1000))
    pipe: Any = client.pipeline(transaction=False)
    for name in names:
        worker = name.decode().removeprefix(keys.health(""))
        pipe.get(name).get(keys.health_more(worker)).pttl(name)
    answers = iter(pipe.execute())
    return [
        _standing(raw, more, left_ms)
        for raw, more, left_ms in zip(answers, answers, answers, strict=True)
        if raw is not None
    ]


def _standing(raw: bytes, more: bytes | None, left_ms: int) -> Standing:
    beat = Beat.parse(raw, more or b"{}")
    age_s = max(0.0, KEPT_S - left_ms / 1000)
    return Standing(beat, age_s, why_unhealthy(beat, age_s))


def write(client: Redis, beat: Beat) -> None:
    """Write a worker's heartbeat."""
    first = asdict(beat)
    more = {name: first.pop(name) for name in NEWER_FIELDS}
    with client.pipeline(transaction=False) as pipe:
        pipe.set(keys.health_more(beat.worker), json.dumps(more), px=int(KEPT_S * 1000))
        pipe.set(keys.health(beat.worker), json.dumps(first), px=int(KEPT_S * 1000))
        pipe.execute()


def forget(client: Redis, worker: str) -> None:
    """Remove the heartbeat of a worker that has ended as planned."""
    client.delete(keys.health(worker), keys.health_more(worker))


def waiting_in(client: Redis, queue: str) -> int:
    """The number of messages in a queue, of all priorities."""
    pipe: Any = client.pipeline(transaction=False)
    for name in list_keys(queue):
        pipe.llen(name)
    return sum(pipe.execute())


def unattended(queues: Mapping[str, int], standings: Iterable[Standing]) -> dict[str, int]:
    """Those of these queues with messages that no worker of slotline reads. Pure."""
    models = [standing.beat.model for standing in standings if standing.beat.reads]
    served = {FLOW_QUEUE if model is None else queue_of(model) for model in models}
    return {queue: waiting for queue, waiting in queues.items() if waiting and queue not in served}
