"""Seconds from SIGKILL of a worker to the restart of its job in another one: slotline, Celery, dramatiq, rq.

    python -m benchmarks.recovery [--only slotline dramatiq]

Two workers, one job of 20 s, one Redis. A second after the job has begun, the worker that
runs it is killed with all its processes; the time is taken until another process begins
it. Each system is set to notice as soon as it can without repeating a living job:
slotline by a lease of 5 s; Celery by a visibility timeout of 25 s (lower, and a job of
20 s is run twice), looked at every second; dramatiq by a heartbeat of 5 s, looked at with
every command; rq by a heartbeat and maintenance of 1 s each. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.rig import Rig, machine, rig, table, wait_for

JOB_S = 20
NOTICE_S = 5.0
"""slotline's lease, and dramatiq's heartbeat."""

HEAD_START_S = 1.0
LIMIT_S = 240.0
WORKERS = 2
QUEUE = "bench"


def begun(journal: Path) -> list[tuple[int, float]]:
    """Who began the job, and when by the monotonic clock in seconds."""
    if not journal.exists():
        return []
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return [(line["pid"], line["ns"] / 1e9) for line in lines if line["what"] == "began"]


def family(pid: int) -> list[int]:
    """A process and all below it, by the pids that they have now."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def recovery(bench: Rig, command: list[str], send: Callable[[], Any], ready: Callable[[], object]) -> float:
    """Seconds from the kill to the next begin, with two workers of `command`."""
    journal = Path(os.environ["BENCH_JOURNAL"])
    with ExitStack() as stack:
        workers = [stack.enter_context(bench.process(*command, may_be_killed=True)) for _ in range(WORKERS)]
        wait_for(ready, "the workers", every_s=0.05)
        send()
        began = wait_for(lambda: begun(journal), "the first run", every_s=0.01)
        wait_for(lambda: time.monotonic() - began > HEAD_START_S, "its first second", every_s=0.05)
        ((pid, _),) = begun(journal)
        victims = [family(worker.pid) for worker in workers if pid in family(worker.pid)]
        killed = time.monotonic()
        for victim in victims[0]:
            os.kill(victim, signal.SIGKILL)
        wait_for(lambda: len(begun(journal)) > 1, "the second run", LIMIT_S, every_s=0.01)
        return begun(journal)[1][1] - killed


def slotline(bench: Rig) -> float:
    """A paragraph on two slots of the rehearsal, which keeps the journal itself."""
    from producer import Client
    from tasks.redis import keys

    catalog = (
        f'[models.rehearsal]\nadapter = "rehearsal"\nseconds = {JOB_S}\njournal = "{os.environ["BENCH_JOURNAL"]}"\n'
    )
    (bench.folder / "models.toml").write_text(catalog)
    client = Client(bench.redis_url)
    command = ["celery", "-A", "workers", "worker", "--model", "rehearsal"]
    return recovery(
        bench,
        command,
        lambda: client.submit_paragraph("A long inference.", model="rehearsal"),
        lambda: bench.client.zcard(keys.capacity("rehearsal")) == WORKERS,
    )


def celery(bench: Rig) -> float:
    """Plain Celery, late acks, one process a worker."""
    from benchmarks import mortal

    command = ["celery", "-A", "benchmarks.mortal:celery", "worker", "-c", "1", "-l", "warning"]
    return recovery(bench, command, mortal.celery_work.delay, lambda: _connected(bench, "BRPOP") >= 1)


def dramatiq(bench: Rig) -> float:
    """dramatiq, one process and one thread a worker."""
    from benchmarks import mortal

    command = ["dramatiq", "benchmarks.mortal", "-p", "1", "-t", "1"]
    beats = "dramatiq:__heartbeats__"
    return recovery(bench, command, mortal.dramatiq_work.send, lambda: bench.client.zcard(beats) >= WORKERS)


def rq(bench: Rig) -> float:
    """rq, which forks for each job; without a retry it would only be marked as failed."""
    from rq import Queue, Retry

    queue = Queue(QUEUE, connection=bench.client)
    tuned = ["--maintenance-interval", "1", "--job-monitoring-interval", "1", "--worker-ttl", "16"]
    command = ["rq.cli", "worker", "--url", bench.redis_url, "--quiet", *tuned, QUEUE]
    return recovery(
        bench,
        command,
        lambda: queue.enqueue("benchmarks.mortal.work", retry=Retry(max=3), job_timeout=10 * JOB_S),
        lambda: bench.client.scard("rq:workers") >= WORKERS,
    )


def _connected(bench: Rig, command: str) -> int:
    """How many clients wait in this command."""
    return sum(str(one["cmd"]).upper() == command for one in bench.client.client_list())


SYSTEMS: dict[str, Callable[[Rig], float]] = {"slotline": slotline, "celery": celery, "dramatiq": dramatiq, "rq": rq}


def rows(bench: Rig, only: list[str]) -> Iterator[list[str]]:
    """One row a system."""
    for name in only:
        bench.client.flushall()
        Path(os.environ["BENCH_JOURNAL"]).unlink(missing_ok=True)
        yield [name, f"{SYSTEMS[name](bench):.1f}"]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    given = parser.parse_args()
    with rig() as bench:
        more = {
            "SLOTLINE_CPU_SLOTS": str(2 * WORKERS),
            "SLOTLINE_LEASE_S": str(NOTICE_S),
            "BENCH_JOURNAL": str(bench.folder / "journal"),
            "BENCH_JOB_S": str(JOB_S),
            "BENCH_NOTICE_S": str(NOTICE_S),
        }
        bench.environment.update(more)
        os.environ.update(more)
        print(f"## recovery: a job of {JOB_S} s, its worker killed after {HEAD_START_S:g} s\n")
        print(machine(bench.client, ["celery", "kombu", "redis", "dramatiq", "rq"]) + "\n")
        print(table(["system", "from the kill to the new begin, s"], list(rows(bench, given.only))))
        print()


if __name__ == "__main__":
    main()
