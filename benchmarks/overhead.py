"""What slotline adds to a model's own time, on one slot: the share of the time in the model, and jobs a second.

    python -m benchmarks.overhead [--scale 1.0] [--pairs 5] [--ms 0 10 50] [--only WORD…]

Each row's system and those that it is held against run in turn, several rounds, on one Redis; each has one worker
with one process (`one_slot.py`). A figure is the median over the rounds, with the lowest and the highest; a ratio is
taken within each round. Prints a Markdown table, a row as soon as it is measured. `--only` takes the rows whose name
has one of these words. With SLOTLINE_PIPELINE=0 the whole table is without the pipeline, with TMPDIR=/dev/shm the
store is in memory. At full scale it takes up to 5 GB.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from benchmarks.cpu_clock import ROLES
from benchmarks.far_redis import far_redis, round_trip_s
from benchmarks.one_slot import Drained, Jobs, bare, plain_celery, plain_huey, same_task, stored_and_settled
from benchmarks.pairs import Spread, in_turn, ratios
from benchmarks.rig import Rig, line, machine, rig, table

AWAY_S = 0.0005
STEPS = 280
"""About 10 ms of products of 128×128 on one thread."""
COUNTS = {0: 3000, 10: 800, 50: 200}
"""How many jobs singly, by the milliseconds that the model takes; in batches as many more as `IN_BATCHES` says."""
IN_BATCHES = {0: 2, 10: 4, 50: 4}

SYSTEMS: dict[str, Callable[[Rig, Jobs], Drained]] = {
    "slotline": stored_and_settled,
    "slotline, the same task": same_task,
    "Celery": plain_celery,
    "huey": plain_huey,
    "bare model": bare,
}


@dataclass(frozen=True)
class Case:
    """Jobs of one kind: the system that is measured, those that it is held against, and what it is to reach."""

    name: str
    ms: int
    jobs: Jobs
    goal: str
    against: Sequence[str]
    system: str = "slotline"
    one_by_one: Sequence[str] = field(default=("Celery", "huey"))
    """Those of them that have no batches: they take the model's time for each job."""

    def jobs_of(self, system: str, scale: float) -> Jobs:
        """What that system has to do."""
        is_single = self.jobs.batch_size == 1 or system in self.one_by_one
        count = max(30, int(COUNTS[self.ms] * scale)) * (1 if is_single else IN_BATCHES[self.ms])
        batch_size = 1 if is_single else self.jobs.batch_size
        # Enough batches for a median, also at a small scale.
        return replace(self.jobs, count=max(count, 8 * batch_size), batch_size=batch_size)


def cases() -> Iterator[Case]:
    """The rows, in order."""
    singly, in_16s = partial(Jobs, count=0), partial(Jobs, count=0, batch_size=16)
    yield Case("10 ms, singly", 10, singly(0.01), "≥ 0.97", ("huey", "Celery", "bare model"))
    yield Case("10 ms, batches of 16", 10, in_16s(0.01), "≥ 0.90", ("bare model",))
    yield Case("50 ms, singly", 50, singly(0.05), "≥ 0.99", ("Celery", "bare model"))
    yield Case("50 ms, batches of 16", 50, in_16s(0.05), "≥ 0.97", ("bare model",))
    yield Case("no-op, singly", 0, singly(0.0), "≥ 2.5 × Celery", ("Celery", "huey"))
    yield Case("no-op, batches of 64", 0, Jobs(0.0, 0, 64), "≥ 3.5 × Celery", ("Celery", "huey"))
    far = Jobs(0.01, 0, away_s=AWAY_S)
    yield Case("10 ms, singly, Redis 1 ms away", 10, far, "≥ 0.93", ("huey", "Celery"))
    steps = partial(Jobs, 0.0, 0, steps=STEPS)
    yield Case("short operations, singly", 10, steps(), "≥ 0.97 × bare", ("bare model",))
    yield Case("short operations, batches of 16", 10, steps(batch_size=16), "≥ 0.97 × bare", ("bare model",))
    off = steps(changes={"SLOTLINE_PIPELINE": "0"})
    yield Case("short operations, singly, pipeline off", 10, off, "", ("bare model",))
    same = "slotline, the same task"
    yield Case("no-op, the same task, singly", 0, singly(0.0), "≥ 1.4 × Celery", ("Celery", "huey"), same)
    yield Case("no-op, the same task, batches of 64", 0, Jobs(0.0, 0, 64), "", ("Celery", "huey"), same)


HEAD = [
    "one slot",
    "jobs/s",
    "share of the time in the model",
    "slotline's speed ÷ its",
    "goal",
    f"CPU, ms a job: {', '.join(ROLES)}",
]


def rows(bench: Rig, case: Case, rounds: int, scale: float) -> Iterator[list[str]]:
    """A row for the system that is measured, and one for each that it is held against."""

    def measured(system: str, _: int) -> Drained:
        bench.client.flushall()
        return SYSTEMS[system](bench, case.jobs_of(system, scale))

    names = (case.system, *case.against)
    found = in_turn({name: partial(measured, name) for name in names}, rounds)
    for name in names:
        yield [
            f"{case.name}: {name}",
            Spread(tuple(one.per_s for one in found[name])).text(1),
            _share(found[name], case.jobs_of(name, scale)),
            "" if name == case.system else _ratio(found[case.system], found[name]),
            case.goal if name == case.system else "",
            ", ".join(_cpu_ms(found[name], role) for role in ROLES),
        ]


def _share(found: Sequence[Drained], jobs: Jobs) -> str:
    """Of the wall time; for a model of short operations by its own clock, with how fast it was in it."""
    if loops := [one.loop for one in found if one.loop]:
        share, per_ms = Spread(tuple(one.share for one in loops)), Spread(tuple(one.per_s / 1000 for one in loops))
        return f"{share.text(3)}; {per_ms.text(1)} steps/ms"
    if not jobs.seconds:
        return "–"
    return Spread(tuple(one.per_s * jobs.seconds / jobs.batch_size for one in found)).text(3)


def _ratio(ours: Sequence[Drained], theirs: Sequence[Drained]) -> str:
    """Of jobs a second; or of the loops' speeds, also without the time in which other processes had all cores."""
    pairs = [(one.loop, other.loop) for one, other in zip(ours, theirs, strict=True) if one.loop and other.loop]
    if not pairs:
        return ratios([one.per_s for one in ours], [one.per_s for one in theirs]).text(2)
    all_time = ratios([one.per_s for one, _ in pairs], [other.per_s for _, other in pairs])
    with_core = ratios([one.per_run_s for one, _ in pairs], [other.per_run_s for _, other in pairs])
    return f"{all_time.text(3)}; {with_core.text(3)} while it had a core"


def _cpu_ms(found: Sequence[Drained], role: str) -> str:
    seconds = [one.cpu_s[role] for one in found if role in one.cpu_s]
    return f"{1000 * Spread(tuple(seconds)).median:.2f}" if seconds else "–"


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of jobs, by ms: " + str(COUNTS))
    parser.add_argument("--pairs", type=int, default=5, help="how many rounds")
    parser.add_argument("--ms", type=int, nargs="+", choices=list(COUNTS), default=list(COUNTS))
    parser.add_argument("--only", nargs="+", default=[""], help="rows whose name has one of these words")
    given = parser.parse_args()
    wanted = [case for case in cases() if case.ms in given.ms and any(word in case.name for word in given.only)]
    with rig() as bench:
        print(f"## overhead: {given.pairs} rounds in turn, scale {given.scale:g}\n")
        print(machine(bench.client, ["celery", "kombu", "redis", "huey"]))
        with far_redis(bench.redis_url, AWAY_S) as url:
            print(f"A round trip to the Redis that is 1 ms away takes {1000 * round_trip_s(url):.2f} ms.\n")
        print(table(HEAD, []))
        for case in wanted:
            for row in rows(bench, case, given.pairs, given.scale):
                print(line(row), flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
