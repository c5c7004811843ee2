"""What is left of a model's own speed behind a queue or a server: jobs a second, in batches and one by one.

    python -m benchmarks.batching [--texts 128] [--pairs 5] [--tiny] [--only NAME…]

The model is a BART of 10 million random parameters on one CPU thread; each text has about 90
tokens and becomes 48. All jobs wait before the measurement, which runs from the end of the first batch to the end of
the last. Slotline, the bare `generate` in a process of its own, and a server run in turn, several rounds, each time
on the same texts in the same batches. The share is the seconds in `generate` of all seconds, by the clock of the
process that computes. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from celery import Celery

from benchmarks import generate_clock
from benchmarks.bare_bart import LENGTH
from benchmarks.pairs import Spread, in_turn
from benchmarks.random_bart import SMALL, TINY, texts, write
from benchmarks.rig import LIMIT_S, ROOT, Rig, line, machine, rig, table, wait_for

MODEL = "bart"
BATCH = 16
SINGLES_SHARE = 4
"""Of the texts, one in so many is enough where each is computed alone: that takes about as many times longer."""
FAR_TEXTS = 10_000
"""So many texts further on begin those of another case."""
WORKER = ("celery", "-A", "workers", "worker")


class BareProcess:
    """The model alone in a process, which computes only when it is asked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError("the bare model did not load")

    def batches_s(self, wanted: Sequence[str], batch: int) -> list[float]:
        """Seconds of each batch, in `generate` alone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"texts": wanted, "batch": batch}), file=self._process.stdin, flush=True)
        batch_s: list[float] = json.loads(self._process.stdout.readline())["seconds"]
        return batch_s


@contextmanager
def bare_process(folder: Path) -> Iterator[BareProcess]:
    """A `BareProcess` until the block ends."""
    command = [sys.executable, "-m", "benchmarks.bare_bart", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield BareProcess(process)
        finally:
            process.terminate()


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


def catalog_of(batch: int, length: int) -> str:
    """A catalog with the one model, on one CPU thread, in batches of up to `batch`, `length` tokens an output."""
    same_length = f"min_length = {length}\nmax_length = {length}\nnum_beams = 1\nthreads = 1\n"
    return f'[models.{MODEL}]\nadapter = "bart"\npath = "{MODEL}"\nbatch_size = {batch}\n{same_length}'


def by_slotline(bench: Rig, wanted: Sequence[str], batch: int) -> Pace:
    """A slot of slotline's own, which stores each summary: the task `summary.part`."""
    (bench.folder / "models.toml").write_text(catalog_of(batch, LENGTH))
    results = sent(bench, "summary.part", MODEL, wanted, model=MODEL)
    with bench.process(*WORKER, "--model", MODEL, "--include", "benchmarks.generate_clock"):
        return drained(bench, results, batch)


def by_celery(bench: Rig, wanted: Sequence[str], batch: int) -> Pace:
    """Plain Celery: prefork, one process, which holds the model; a text is a task."""
    results = sent(bench, "bench.summary", "celery", wanted)
    with bench.process("celery", "-A", "benchmarks.bart_celery:plain", "worker", "-c", "1", "-l", "warning"):
        return drained(bench, results, batch)


def by_litserve(bench: Rig, wanted: Sequence[str], batch: int) -> Pace:
    """LitServe: one process holds the model; a text is a request, and all are sent at once."""
    url = f"http://127.0.0.1:{free_port()}"

    def ask(text: str) -> float:
        request = urllib.request.Request(f"{url}/predict", json.dumps({"text": text}).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            answer.read()
        return time.monotonic()

    command = ("benchmarks.bart_litserve", os.environ["BENCH_MODEL"], url.rsplit(":", 1)[1], str(batch))
    # SIGTERM ends LitServe's main process, and leaves its model's and its server's.
    with bench.process(*command, leaves_others=True):
        wait_for(lambda: _answers(f"{url}/health"), "LitServe to be ready", every_s=0.1)
        with ThreadPoolExecutor(len(wanted)) as clients:
            return pace(list(clients.map(ask, wanted)), batch)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


def by_itself(bare: BareProcess, _: Rig, wanted: Sequence[str], batch: int) -> Pace:
    """The bare model; its tokens are ready before the clock starts."""
    batch_s = bare.batches_s(wanted, batch)[1:]
    return Pace(batch / statistics.mean(batch_s), batch / statistics.median(batch_s), 1.0)


Measure = Callable[[Rig, Sequence[str], int], Pace]

SYSTEMS: dict[str, Measure] = {
    "slotline": by_slotline,
    "LitServe": by_litserve,
    "Celery, prefork -c 1": by_celery,
}
BARE = "bare `generate`"


@dataclass(frozen=True)
class Case:
    """Texts in batches of `batch`, and what slotline is held against beside the bare model."""

    name: str
    batch: int
    against: str
    goal: str = ""


CASES = (
    Case(f"batches of {BATCH}", BATCH, "LitServe", "share ≥ 0.97"),
    Case("one by one", 1, "Celery, prefork -c 1"),
)
HEAD = ["one slot", "jobs/s", "share of the time in `generate`", "slotline's jobs/s ÷ its", "median batch", "goal"]


def rows(bench: Rig, bare: BareProcess, case: Case, count: int, rounds: int) -> Iterator[list[str]]:
    """A row a system. No text is used in two rounds, since slotline would not compute it again."""
    count = max(4 * case.batch, count // (1 if case.batch > 1 else SINGLES_SHARE))
    systems: dict[str, Measure] = {name: SYSTEMS[name] for name in ("slotline", case.against)}
    systems[BARE] = partial(by_itself, bare)

    def measured(name: str, number: int) -> Pace:
        bench.client.flushall()
        generate_clock.forget()
        return systems[name](bench, texts(count, case.batch * FAR_TEXTS + number * count), case.batch)

    found = in_turn({name: partial(measured, name) for name in systems}, rounds)
    for name in systems:
        pairs = list(zip(found["slotline"], found[name], strict=True))
        by_all = Spread(tuple(one.per_s / other.per_s for one, other in pairs))
        by_median = Spread(tuple(one.usual_per_s / other.usual_per_s for one, other in pairs))
        is_ours = name == "slotline"
        yield [
            f"{case.name}: {name}",
            Spread(tuple(one.per_s for one in found[name])).text(1),
            Spread(tuple(one.share for one in found[name])).text(3),
            "" if is_ours else by_all.text(3),
            "" if is_ours else by_median.text(3),
            case.goal if is_ours else "",
        ]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=128, help="for each system in batches; a quarter of them else")
    parser.add_argument("--pairs", type=int, default=5, help="how many rounds")
    parser.add_argument("--tiny", action="store_true", help="a model of 40,000 parameters, to see that it runs")
    names = [case.name for case in CASES]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=" or ".join(names))
    asked = parser.parse_args()
    with rig() as bench:
        folder = write(bench.folder / MODEL, TINY if asked.tiny else SMALL)
        os.environ |= {"BENCH_MODEL": str(folder), generate_clock.FILE: str(bench.folder / "clock")}
        facts = machine(bench.client, ["celery", "torch", "transformers", "litserve"])
        print(
            f"## batching: {LENGTH} tokens from each of {asked.texts} texts, {asked.pairs} rounds in turn\n\n{facts}\n"
        )
        print(table(HEAD, []))
        with bare_process(folder) as bare:
            for case in CASES:
                if case.name in asked.only:
                    for row in rows(bench, bare, case, asked.texts, asked.pairs):
                        print(line(row), flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
