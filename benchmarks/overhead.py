"""What slotline adds to a model's own time: jobs a second, and the share of wall time in the model, on one slot.

    python -m benchmarks.overhead [--scale 1.0] [--ms 0 10 50]

The model takes 0, 10 or 50 ms. Each system has one worker with one process, and all jobs
wait in Redis before it starts; the time is taken from the first job's end to the last
one's. «Stored and settled» is a chapter: each part's audio written to the store, each
part settled in the ledger, the next one sent. The other three run the same task body, a
sleep, and keep its result in Redis. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from celery import Celery

from benchmarks.rig import Rig, machine, rig, table, wait_for

TASK = "bench.sleep"
JOBS = {0: 3000, 10: 800, 50: 200}
"""How many, by the milliseconds that the model takes."""
WORKER = ("celery", "-A", "workers", "worker")


def drain(first: Callable[[], object], last: Callable[[], object], count: int) -> float:
    """Jobs a second, from the first job's end to the last one's."""
    began = wait_for(first, "the first job")
    return (count - 1) / (wait_for(last, "the last job") - began)


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


def drain_celery(bench: Rig, ids: list[str]) -> float:
    """`drain` by the results that Celery keeps."""
    first, last = (f"celery-task-meta-{one}" for one in (ids[0], ids[-1]))
    return drain(lambda: bench.client.exists(first), lambda: bench.client.exists(last), len(ids))


def stored_and_settled(bench: Rig, seconds: float, count: int) -> float:
    """A chapter through `producer.Client`: split, computed, stored, settled."""
    from producer import Client
    from tasks import keys

    bench.rehearsal(seconds)
    client = Client(bench.redis_url)
    text = "\n\n".join(f"Line {number} of {seconds}." for number in range(1, count + 1))
    with ExitStack() as stack:
        stack.enter_context(bench.process(*WORKER, "--model", "rehearsal"))
        wait_for(lambda: bench.client.exists(keys.capacity("rehearsal")), "the slot to be ready", every_s=0.05)
        stack.enter_context(bench.process(*WORKER, "-Q", "flow", "-c", "1"))
        job = keys.job(client.submit_chapter(text, model="rehearsal").id)

        def done() -> int:
            return int(bench.client.hget(job, "done") or 0)

        return drain(lambda: done() >= 1, lambda: done() >= count, count)


def same_body(bench: Rig, seconds: float, count: int) -> float:
    """slotline's transport, pool and child with the task body of the others: no store, no ledger."""
    bench.rehearsal(seconds)
    ids = celery_ids(bench, "rehearsal", seconds, count)
    with bench.process(*WORKER, "--model", "rehearsal", "--include", "benchmarks.sleeper"):
        return drain_celery(bench, ids)


def plain_celery(bench: Rig, seconds: float, count: int) -> float:
    """Celery as it comes: prefork, one process, late acks."""
    ids = celery_ids(bench, "celery", seconds, count)
    with bench.process("celery", "-A", "benchmarks.sleeper:plain", "worker", "-c", "1", "-l", "warning"):
        return drain_celery(bench, ids)


def plain_huey(bench: Rig, seconds: float, count: int) -> float:
    """huey as it comes: one worker process, on Redis."""
    from benchmarks.sleeper import huey, huey_sleep

    ids = [huey_sleep(seconds).id for _ in range(count)]
    command = ("huey.bin.huey_consumer", "benchmarks.sleeper.huey", "-w", "1", "-k", "process", "-n", "-q")
    with bench.process(*command):
        stored = huey.storage.has_data_for_key
        return drain(lambda: stored(ids[0]), lambda: stored(ids[-1]), count)


SYSTEMS: dict[str, Callable[[Rig, float, int], float]] = {
    "slotline, every part stored and settled": stored_and_settled,
    "slotline, the same task body": same_body,
    "Celery, prefork -c 1": plain_celery,
    "huey, one process": plain_huey,
}


def jobs_at(ms: int, scale: float) -> int:
    """How many jobs to run."""
    return max(10, int(JOBS[ms] * scale))


def rows(bench: Rig, durations_ms: list[int], scale: float) -> Iterator[list[str]]:
    """One row a system; two figures for each time that the model takes."""
    for name, measure in SYSTEMS.items():
        row = [name]
        for ms in durations_ms:
            bench.client.flushall()
            per_s = measure(bench, ms / 1000, jobs_at(ms, scale))
            row += [f"{per_s:,.1f}", f"{per_s * ms / 1000:.3f}"] if ms else [f"{per_s:,.0f}"]
        yield row


def head(durations_ms: list[int]) -> list[str]:
    """The table's first line."""
    cells = ["one slot"]
    for ms in durations_ms:
        cells += [f"{ms} ms: jobs/s", "share in the model"] if ms else ["0 ms: jobs/s"]
    return cells


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of jobs, by ms: " + str(JOBS))
    parser.add_argument("--ms", type=int, nargs="+", choices=list(JOBS), default=list(JOBS))
    given = parser.parse_args()
    with rig() as bench:
        counts = ", ".join(f"{jobs_at(ms, given.scale):,} jobs of {ms} ms" for ms in given.ms)
        print(f"## overhead: {counts}\n\n{machine(bench.client, ['celery', 'kombu', 'redis', 'huey'])}\n")
        print(table(head(given.ms), list(rows(bench, given.ms, given.scale))))
        print()


if __name__ == "__main__":
    main()
