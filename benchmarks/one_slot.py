"""The same jobs through one process of each system, measured from the end of the first job to the end of the last.

«Stored and settled» is a chapter: each part's audio written to the store, each part settled in the ledger, the next
one sent. «The same task» is what the others run, too: a sleep for each job, its result kept in Redis. «Bare» is the
model with nothing around it. All but the chapter's jobs wait in Redis before their worker starts. It compares nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from celery import Celery

from benchmarks.cpu_clock import PARENT, CpuClock, per_job
from benchmarks.far_redis import far_redis
from benchmarks.rig import ROOT, Rig, wait_for

TASK = "bench.sleep"
WORKER = ("celery", "-A", "workers", "worker")
AT_ONCE = 128
"""More jobs than end together."""
LAST_SHARE = 8
"""Behind the last eighth of the batches less and less waits."""
LIMIT_S = 600.0
_runs = itertools.count(1)


@dataclass(frozen=True)
class Jobs:
    """What one slot has to do: `count` jobs of a model that takes `seconds` for a batch, and then computes `steps`."""

    seconds: float
    count: int
    batch_size: int = 1
    steps: int = 0
    away_s: float = 0.0
    """How far away Redis is from the workers, each way."""
    changes: Mapping[str, str] = field(default_factory=dict)
    """What is different in the environment of the workers."""


@dataclass(frozen=True)
class Loop:
    """The short operations of a model, by its own clock while the next batch waited."""

    per_s: float
    """Steps in a second of the loop."""
    per_run_s: float
    """The same, without the seconds in which other processes had all cores."""
    share: float
    """The loop's seconds of all seconds."""


@dataclass(frozen=True)
class Drained:
    """How fast the jobs went, and the CPU seconds of a job by role."""

    per_s: float
    cpu_s: Mapping[str, float]
    loop: Loop | None = None


def stored_and_settled(bench: Rig, jobs: Jobs) -> Drained:
    """A chapter through `producer.Client`: split, computed, stored, settled."""
    from producer import Client
    from tasks.redis import keys

    journal = _catalog(bench, jobs)
    # Nothing is computed whose artifact an earlier run has stored.
    run = next(_runs)
    text = "\n\n".join(f"Line {number}, of run {run}." for number in range(1, jobs.count + 1))
    with ExitStack() as stack:
        changes = stack.enter_context(_changes(bench, jobs))
        slot = stack.enter_context(bench.process(*WORKER, "--model", "rehearsal", changes=changes))
        wait_for(lambda: bench.client.exists(keys.capacity("rehearsal")), "the slot to be ready", every_s=0.05)
        flow = stack.enter_context(bench.process(*WORKER, "-Q", "flow", "-c", "1", changes=changes))
        wait_for(lambda: bench.client.exists(keys.capacity("flow")), "the flow worker to be ready", every_s=0.05)
        job = keys.job(Client(bench.redis_url).submit_chapter(text, model="rehearsal").id)
        clock = CpuClock(bench.client, slot.pid, flow.pid)

        def left() -> int:
            return jobs.count - int(bench.client.hget(job, "done") or 0)

        wait_for(lambda: left() < jobs.count, "the first part")
        drained = drain(left, left(), clock)
        return replace(drained, loop=loop(journal) if jobs.steps else None)


def same_task(bench: Rig, jobs: Jobs) -> Drained:
    """slotline's transport, pool and child with the task body of the others: no store, no ledger."""
    _catalog(bench, jobs)
    ids = _sent(bench, "rehearsal", jobs)
    with _changes(bench, jobs) as changes:
        command = (*WORKER, "--model", "rehearsal", "--include", "benchmarks.sleeper")
        with bench.process(*command, changes=changes) as worker:
            return _drain_celery(bench, "rehearsal", ids, worker.pid)


def plain_celery(bench: Rig, jobs: Jobs) -> Drained:
    """Celery as it comes: prefork, one process, late acks, results in Redis; a job is a task."""
    ids = _sent(bench, "celery", jobs)
    with _changes(bench, jobs) as changes:
        command = ("celery", "-A", "benchmarks.sleeper:plain", "worker", "-c", "1", "-l", "warning")
        with bench.process(*command, changes=changes) as worker:
            return _drain_celery(bench, "celery", ids, worker.pid)


def plain_huey(bench: Rig, jobs: Jobs) -> Drained:
    """huey as it comes: one worker process, results in Redis."""
    from benchmarks.sleeper import huey, huey_sleep

    ids = [huey_sleep(jobs.seconds).id for _ in range(jobs.count)]
    command = ("huey.bin.huey_consumer", "benchmarks.sleeper.huey", "-w", "1", "-k", "process", "-n", "-q")
    with _changes(bench, jobs) as changes, bench.process(*command, changes=changes) as worker:
        return drain_in_order(
            ids, huey.storage.has_data_for_key, huey.storage.queue_size, CpuClock(bench.client, worker.pid)
        )


def bare(bench: Rig, jobs: Jobs) -> Drained:
    """The model alone in a process: what no system can exceed."""
    journal = _catalog(bench, jobs)
    command = [sys.executable, "-m", "benchmarks.bare_rehearsal", str(jobs.count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"the bare model ended ({done.returncode}): {done.stderr[-2000:]}")
    took = json.loads(done.stdout)
    counted = jobs.count - jobs.batch_size
    per_job_s = {PARENT: took["cpu_s"] / counted}
    return Drained(counted / took["seconds"], per_job_s, loop(journal) if jobs.steps else None)


def drain(left: Callable[[], int], count: int, clock: CpuClock) -> Drained:
    """From now, when `count` jobs have not ended, to the end of the last. `left`: how many have not, then.

    It looks seldom until the end is near, because each look costs Redis and a core.
    """
    began, cpu_s = time.monotonic(), clock.read()
    while (still := left()) > 0:
        took_s = time.monotonic() - began
        if took_s > LIMIT_S:
            raise TimeoutError(f"{still} of {count} jobs have not ended after {LIMIT_S:g} s")
        left_s = took_s * still / max(1, count - still)
        time.sleep(min(0.25, max(0.002, left_s / 4)))
    return Drained(count / (time.monotonic() - began), per_job(cpu_s, clock.read(), count))


def drain_in_order(
    ids: Sequence[str], is_done: Callable[[str], object], waiting: Callable[[], int], clock: CpuClock
) -> Drained:
    """`drain` of jobs that end in the order of their ids; `waiting`: how many are in the queue."""
    wait_for(lambda: is_done(ids[0]), "the first job")
    done = sum(1 for one in ids[:AT_ONCE] if is_done(one))
    return drain(lambda: waiting() or int(not is_done(ids[-1])), len(ids) - done, clock)


def loop(journal: Path) -> Loop:
    """The loop's own figures, from the rehearsal's journal; the first batch warms up, and is left out."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    ends = [line for line in lines if line["what"] == "stepped"][1:]
    ends = ends[: -(-len(ends) * (LAST_SHARE - 1) // LAST_SHARE)]
    wall_s = (ends[-1]["ns"] - ends[0]["ns"]) / 1e9
    steps, seconds, waited_s = (sum(end[what] for end in ends[1:]) for what in ("steps", "seconds", "waited_s"))
    return Loop(steps / seconds, steps / (seconds - waited_s), seconds / wall_s)


def _catalog(bench: Rig, jobs: Jobs) -> Path:
    """The model, and an empty journal, which it keeps only where it has steps."""
    journal = bench.folder / "journal"
    journal.write_text("")
    options: dict[str, float | str] = {"steps": jobs.steps, "journal": str(journal)} if jobs.steps else {}
    bench.rehearsal(jobs.seconds, jobs.batch_size, **options)
    return journal


@contextlib.contextmanager
def _changes(bench: Rig, jobs: Jobs) -> Iterator[Mapping[str, str]]:
    """What is different in the workers' environment; while the block runs, Redis is as far away as it says."""
    if not jobs.away_s:
        yield jobs.changes
        return
    with far_redis(bench.redis_url, jobs.away_s) as url:
        yield {**jobs.changes, "CELERY_BROKER_URL": url}


def _sent(bench: Rig, queue: str, jobs: Jobs) -> list[str]:
    """Put the jobs on a queue, as any Celery client does; their ids in order."""
    app = Celery("sender", broker=bench.redis_url, backend=bench.redis_url, set_as_current=False)
    call = {"kwargs": {"seconds": jobs.seconds}, "queue": queue, "ignore_result": False}
    with app, app.producer_or_acquire() as producer:
        return [app.send_task(TASK, producer=producer, **call).id for _ in range(jobs.count)]


def _drain_celery(bench: Rig, queue: str, ids: Sequence[str], worker: int) -> Drained:
    """`drain` by the results that Celery keeps."""
    return drain_in_order(
        ids,
        lambda one: bench.client.exists(f"celery-task-meta-{one}"),
        lambda: bench.client.llen(queue),
        CpuClock(bench.client, worker),
    )
