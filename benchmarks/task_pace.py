"""How fast single tasks come out of a slot, or of another system: what `benchmarks.batching` measures of each subject.

Sends tasks as any Celery client does, and sees when their results come. It starts nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from celery import Celery

from benchmarks import generate_clock
from benchmarks.rig import Rig, wait_for


@dataclass(frozen=True)
class Pace:
    """How fast jobs came: over the whole run, and as the median batch went, which other load disturbs less.

    `share`: the time in `generate` of all time, by its own clock.
    """

    per_s: float
    usual_per_s: float
    share: float


def pace(ends: Sequence[float], batch: int) -> Pace:
    """From the end of the first batch on; `ends` is when each job was done, in seconds."""
    ordered = sorted(ends)[batch - 1 :: batch]
    batch_s = [later - sooner for sooner, later in pairwise(ordered)]
    share = generate_clock.share(min(ends))
    return Pace(batch / statistics.mean(batch_s), batch / statistics.median(batch_s), share)


def sent(bench: Rig, task: str, queue: str, wanted: Sequence[str], **fields: str) -> list[str]:
    """One task a text, sent as any Celery client does it; the keys of their results, in order."""
    sender = Celery("sender", broker=bench.redis_url, backend=bench.redis_url, set_as_current=False)
    with sender, sender.producer_pool.acquire(block=True) as producer:
        send = sender.send_task
        ids = [send(task, kwargs={"text": text, **fields}, queue=queue, producer=producer).id for text in wanted]
    return [f"celery-task-meta-{one}" for one in ids]


def drained(bench: Rig, results: Sequence[str], batch: int) -> Pace:
    """How fast the results come; each key is asked for until it is there, in the order of sending."""
    ends: list[float] = []

    def more() -> bool:
        while len(ends) < len(results) and bench.client.exists(results[len(ends)]):
            ends.append(time.monotonic())
        return len(ends) == len(results)

    wait_for(more, f"{len(results)} jobs to end")
    return pace(ends, batch)


Measure = Callable[[Rig, Sequence[str], int], Pace]
"""The pace of these texts, in batches of so many."""


@dataclass(frozen=True)
class Case:
    """Texts in batches of `batch`: one in `one_in` of those that the caller asks for, since some take long.

    `against` are the systems that slotline is held against.
    """

    name: str
    batch: int
    against: Sequence[str]
    goal: str = ""
    one_in: int = 1


@dataclass(frozen=True)
class Subject:
    """A model that all systems run: its texts (count, number of the first), the systems by name, and the cases."""

    texts: Callable[[int, int], Sequence[str]]
    systems: Mapping[str, Measure]
    cases: Sequence[Case]
