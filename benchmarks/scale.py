"""What slots and parts cost the one Redis that they share: its CPU, commands, network and memory.

    python -m benchmarks.scale [--slots 1 4 16 64] [--jobs 1 10 100] [--parts 1000] [--rate 60]

Slots of the rehearsal work off open chapters. They sleep for so long that all of them together make about `--rate`
parts a second: this machine's cores shall not be the limit, so the parts a second are no figure of slotline's, but what
a part costs Redis is. The model is paused until all jobs are open, so that what waits can be weighed. Then it is
measured from when each slot has made a part to when no slot is idle yet. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import redis

from benchmarks.rig import Rig, line, machine, rig, table, wait_for
from producer import Client, Job
from tasks import pauses
from tasks.redis import keys

MODEL = "rehearsal"
WORKER = ("celery", "-A", "workers", "worker")
STARTED_AT_ONCE = 4
IDLE_S = 10.0
LOOK_S = 0.5
LIMIT_S = 600.0
_runs = itertools.count(1)


@dataclass(frozen=True)
class Reading:
    """What Redis has used since its start, at a moment of the monotonic clock."""

    at_s: float
    cpu_s: float
    commands: int
    network_bytes: int
    done: int = 0
    """The parts that are settled."""

    @classmethod
    def now(cls, client: redis.Redis, done: int = 0) -> Reading:
        """By its own INFO."""
        info = client.info()
        return cls(
            time.monotonic(),
            float(info["used_cpu_user"]) + float(info["used_cpu_sys"]),
            int(info["total_commands_processed"]),
            int(info["total_net_input_bytes"]) + int(info["total_net_output_bytes"]),
            done,
        )


class Fleet:
    """A growing number of slots on one Redis, and a flow worker; they end with `stack`."""

    def __init__(self, bench: Rig, stack: ExitStack, parts: int, rate: float) -> None:
        self._bench = bench
        self._stack = stack
        self._parts = parts
        self._rate = rate
        self._client = Client(bench.redis_url)
        self._slots = 0

    def grow(self, slots: int) -> None:
        """Have so many ready slots; a few start at a time."""
        if not self._slots:
            self._stack.enter_context(self._bench.process(*WORKER, "-Q", "flow", "-c", "1"))
            wait_for(lambda: self._bench.client.exists(keys.capacity("flow")), "the flow worker", every_s=0.2)
        while self._slots < slots:
            for _ in range(min(STARTED_AT_ONCE, slots - self._slots)):
                self._stack.enter_context(self._bench.process(*WORKER, "--model", MODEL))
                self._slots += 1
            wait_for(self._are_ready, f"{self._slots} slots", LIMIT_S, every_s=0.2)

    def idle(self) -> list[str]:
        """A row: what slots cost that have nothing to do."""
        before = Reading.now(self._bench.client)
        time.sleep(IDLE_S)
        after = Reading.now(self._bench.client)
        took_s = after.at_s - before.at_s
        return [
            f"slots: {self._slots}, idle",
            "–",
            "–",
            f"{100 * (after.cpu_s - before.cpu_s) / took_s:.2f}% of a core",
            f"{(after.commands - before.commands) / took_s:.0f} a second",
            f"{(after.network_bytes - before.network_bytes) / took_s / 1024:.1f} KiB a second",
            f"{self._bench.client.info('clients')['connected_clients'] - 1} connections",
        ]

    def busy(self, count: int) -> list[str]:
        """A row: what a part costs with so many open jobs."""
        parts = -(-self._parts // count)
        seconds = self._slots / self._rate
        empty = self._bench.keys_bytes()
        pauses.pause(self._bench.client, MODEL, "benchmark")
        jobs = [self._chapter(parts, seconds) for _ in range(count)]
        wait_for(
            lambda: all(state == b"open" for state in self._fields(jobs, "state")), "the jobs to open", LIMIT_S, 0.2
        )
        waiting_bytes = (self._bench.keys_bytes() - empty) / count
        pauses.resume(self._bench.client, MODEL)
        before = self._when_done(jobs, self._slots)
        after = self._when_done(jobs, count * parts - 2 * self._slots)
        self._when_all(jobs, b"ended")
        made = after.done - before.done
        per_s = made / (after.at_s - before.at_s)
        return [
            f"slots: {self._slots}, open jobs: {count}",
            f"{per_s:.1f}",
            f"{per_s * seconds / self._slots:.3f}",
            f"{1e6 * (after.cpu_s - before.cpu_s) / made:.0f} µs a part",
            f"{(after.commands - before.commands) / made:.1f} a part",
            f"{(after.network_bytes - before.network_bytes) / made / 1024:.1f} KiB a part",
            f"{waiting_bytes / 1024:.1f} KiB a waiting job of {parts} parts",
        ]

    def _chapter(self, parts: int, seconds: float) -> Job[object]:
        run = next(_runs)
        # The same length for every number of slots.
        lines = (f"⚡slow={seconds:07.3f} Line {number:05d} of run {run:04d}, which waits." for number in range(parts))
        return self._client.submit_chapter("\n\n".join(lines), model=MODEL)

    def _are_ready(self) -> bool:
        return int(self._bench.client.zcard(keys.capacity(MODEL))) == self._slots

    def _fields(self, jobs: Sequence[Job[object]], field: str) -> list[bytes | None]:
        """A field of each job's record."""
        pipeline = self._bench.client.pipeline(transaction=False)
        for job in jobs:
            pipeline.hget(keys.job(job.id), field)
        return list(pipeline.execute())

    def _when_all(self, jobs: Sequence[Job[object]], state: bytes) -> None:
        """Wait until all jobs are in that state."""
        what = f"the jobs to be {state.decode()}"
        wait_for(lambda: set(self._fields(jobs, "state")) == {state}, what, LIMIT_S, every_s=LOOK_S)

    def _when_done(self, jobs: Sequence[Job[object]], count: int) -> Reading:
        """As soon as so many parts are settled. It looks seldom, because a look is work for Redis too."""
        deadline = time.monotonic() + LIMIT_S
        while (done := sum(int(one or 0) for one in self._fields(jobs, "done"))) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{done} of {count} parts after {LIMIT_S:g} s\n{self._bench.last_words()}")
            time.sleep(LOOK_S)
        return Reading.now(self._bench.client, done)


HEAD = [
    "one Redis",
    "parts/s",
    "share of the slots' time",
    "Redis' CPU",
    "commands",
    "network",
    "memory, or connections",
]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--parts", type=int, default=1000, help="of all jobs together")
    parser.add_argument("--rate", type=float, default=60.0, help="parts a second that all slots together can make")
    given = parser.parse_args()
    with rig() as bench, ExitStack() as stack:
        bench.rehearsal(0.0, faults=True)
        bench.environment["SLOTLINE_CPU_SLOTS"] = str(max(given.slots))
        print(f"## scale: {given.parts:,} parts, made at up to {given.rate:g} a second\n")
        print(machine(bench.client, ["celery", "kombu", "redis"]) + "\n")
        print(table(HEAD, []))
        fleet = Fleet(bench, stack, given.parts, given.rate)
        for row in rows(fleet, sorted(given.slots), given.jobs):
            print(line(row), flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}\n")


def rows(fleet: Fleet, slots: Sequence[int], jobs: Sequence[int]) -> Iterator[list[str]]:
    """For each number of slots: idle, then with each number of open jobs."""
    for count in slots:
        fleet.grow(count)
        yield fleet.idle()
        yield from map(fleet.busy, jobs)


if __name__ == "__main__":
    main()
