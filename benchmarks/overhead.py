"""What slotline adds to a model's own time: jobs a second, and the share of wall time in the model, on one slot.

    python -m benchmarks.overhead [--scale 1.0] [--ms 0 10 50] [--only NAME…]

The model takes 0, 10 or 50 ms a batch, of 1, 16 or 64 jobs. Each system has one worker
with one process, and all jobs wait in Redis before it starts; the time is taken from the
first job's end to the last one's. «Stored and settled» is a chapter: each part's audio
written to the store, each part settled in the ledger, the next one sent. «The same task»
is what the others run, too: a sleep for each job, its result kept in Redis; a batch only
crosses to the child as one. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from celery import Celery

from benchmarks.rig import Rig, machine, rig, table, wait_for

TASK = "bench.sleep"
JOBS = {0: 3000, 10: 800, 50: 200}
"""How many, by the milliseconds that the model takes; four times as many where they run in batches."""
WORKER = ("celery", "-A", "workers", "worker")
BATCHES = (1, 16, 64)
MOST_AT_ONCE = 2 * BATCHES[-1]
CELERY = "Celery, prefork -c 1"


def drain(count_done: Callable[[], int], count: int) -> float:
    """Jobs a second, from the moment when some have ended to the last one's end. `count_done`: at most `count`."""
    began = wait_for(count_done, "the first job")
    done = count_done()
    return (count - done) / (wait_for(lambda: count_done() >= count, "the last job") - began)


def celery_ids(bench: Rig, queue: str, seconds: float, count: int) -> list[str]:
    """Put the jobs on a queue, as any Celery client does; their ids in order."""
    app = Celery("sender", broker=bench.redis_url, backend=bench.redis_url, set_as_current=False)
    with app.producer_or_acquire() as producer:
        ids = [
            app.send_task(TASK, kwargs={"seconds": seconds}, queue=queue, ignore_result=False, producer=producer).id
            for _ in range(count)
        ]
    app.close()
    return ids


def drain_in_order(ids: Sequence[str], is_done: Callable[[str], object]) -> float:
    """`drain` of jobs that end in their order; once some have, it looks at the last one alone."""

    began = wait_for(lambda: is_done(ids[0]), "the first job")
    done = sum(1 for one in ids[:MOST_AT_ONCE] if is_done(one))
    return (len(ids) - done) / (wait_for(lambda: is_done(ids[-1]), "the last job") - began)


def drain_celery(bench: Rig, ids: Sequence[str]) -> float:
    """`drain` by the results that Celery keeps."""
    return drain_in_order(ids, lambda one: bench.client.exists(f"celery-task-meta-{one}"))


def stored_and_settled(bench: Rig, seconds: float, count: int, batch_size: int) -> float:
    """A chapter through `producer.Client`: split, computed, stored, settled."""
    from producer import Client
    from tasks.redis import keys

    bench.rehearsal(seconds, batch_size)
    client = Client(bench.redis_url)
    text = "\n\n".join(f"Line {number} of {seconds} by {batch_size}." for number in range(1, count + 1))
    with ExitStack() as stack:
        stack.enter_context(bench.process(*WORKER, "--model", "rehearsal"))
        wait_for(lambda: bench.client.exists(keys.capacity("rehearsal")), "the slot to be ready", every_s=0.05)
        stack.enter_context(bench.process(*WORKER, "-Q", "flow", "-c", "1"))
        job = keys.job(client.submit_chapter(text, model="rehearsal").id)
        return drain(lambda: int(bench.client.hget(job, "done") or 0), count)


def same_task(bench: Rig, seconds: float, count: int, batch_size: int) -> float:
    """slotline's transport, pool and child with the task body of the others: no store, no ledger."""
    bench.rehearsal(seconds, batch_size)
    ids = celery_ids(bench, "rehearsal", seconds, count)
    with bench.process(*WORKER, "--model", "rehearsal", "--include", "benchmarks.sleeper"):
        return drain_celery(bench, ids)


def plain_celery(bench: Rig, seconds: float, count: int, _: int) -> float:
    """Celery as it comes: prefork, one process, late acks."""
    ids = celery_ids(bench, "celery", seconds, count)
    with bench.process("celery", "-A", "benchmarks.sleeper:plain", "worker", "-c", "1", "-l", "warning"):
        return drain_celery(bench, ids)


def plain_huey(bench: Rig, seconds: float, count: int, _: int) -> float:
    """huey as it comes: one worker process, on Redis."""
    from benchmarks.sleeper import huey, huey_sleep

    ids = [huey_sleep(seconds).id for _ in range(count)]
    command = ("huey.bin.huey_consumer", "benchmarks.sleeper.huey", "-w", "1", "-k", "process", "-n", "-q")
    with bench.process(*command):
        return drain_in_order(ids, huey.storage.has_data_for_key)


@dataclass(frozen=True)
class System:
    """One row: how it is measured, how many jobs share one hand-over, and how many share the model's time."""

    measure: Callable[[Rig, float, int, int], float]
    batch_size: int = 1
    jobs_a_sleep: int = 1

    def jobs_at(self, ms: int, scale: float) -> int:
        """How many jobs to run."""
        return max(10, int(JOBS[ms] * scale)) * (1 if self.batch_size == 1 else 4)


SYSTEMS: dict[str, System] = {
    CELERY: System(plain_celery),
    "huey, one process": System(plain_huey),
    **{f"slotline, the same task, batches of {n}": System(same_task, n) for n in BATCHES},
    **{f"slotline, stored and settled, batches of {n}": System(stored_and_settled, n, n) for n in BATCHES},
}


def rows(bench: Rig, names: Sequence[str], durations_ms: Sequence[int], scale: float) -> Iterator[list[str]]:
    """One row a system; two figures for each time that the model takes."""
    celerys = 0.0
    for name in names:
        row, system = [name], SYSTEMS[name]
        for ms in durations_ms:
            bench.client.flushall()
            per_s = system.measure(bench, ms / 1000, system.jobs_at(ms, scale), system.batch_size)
            if ms:
                row += [f"{per_s:,.1f}", f"{per_s / system.jobs_a_sleep * ms / 1000:.3f}"]
                continue
            celerys = per_s if name == CELERY else celerys
            row += [f"{per_s:,.0f}", f"{per_s / celerys:.2f}" if celerys else "–"]
        yield row


def head(durations_ms: Sequence[int]) -> list[str]:
    """The table's first line."""
    cells = ["one slot"]
    for ms in durations_ms:
        cells += [f"{ms} ms: jobs/s", "share in the model" if ms else "times Celery"]
    return cells


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of jobs, by ms: " + str(JOBS))
    parser.add_argument("--ms", type=int, nargs="+", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--only", nargs="+", default=[""], help="rows whose name holds one of these words")
    given = parser.parse_args()
    names = [name for name in SYSTEMS if any(word in name for word in given.only)]
    with rig() as bench:
        counts = ", ".join(f"{SYSTEMS[CELERY].jobs_at(ms, given.scale):,} jobs of {ms} ms" for ms in given.ms)
        print(f"## overhead: {counts}\n\n{machine(bench.client, ['celery', 'kombu', 'redis', 'huey'])}\n")
        print(table(head(given.ms), list(rows(bench, names, given.ms, given.scale))))
        print()


if __name__ == "__main__":
    main()
