"""What is left of a model's own speed behind a queue or a server: jobs a second, in batches and one by one.

    python -m benchmarks.batching [--texts 192] [--tiny] [--only NAME…]

The model is a BART of 10 million random parameters on one CPU thread; each text has about 90
tokens and becomes 48. Measured from the end of the first batch to the end of the last, all
jobs waiting. The bare `generate` on the same texts in the same batches runs right before and
right after each system, in a process that waits meanwhile: the share is of the mean of the
two, so that what else the machine does weighs on both. Prints a Markdown table.
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
from itertools import pairwise
from pathlib import Path

from celery import Celery

from benchmarks.bare_bart import LENGTH
from benchmarks.random_bart import SMALL, TINY, texts, write
from benchmarks.rig import LIMIT_S, ROOT, Rig, machine, rig, table, wait_for

MODEL = "bart"
BATCH = 16
SINGLES_SHARE = 4
"""Of the texts, one in so many is enough where each is computed alone: that takes about as many times longer."""
WORKER = ("celery", "-A", "workers", "worker")


class BareProcess:
    """The model alone in a process, which computes only when it is asked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError("the bare model did not load")

    def batches_s(self, wanted: Sequence[str], batch: int) -> list[float]:
        """Seconds of each batch."""
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
    """How fast jobs came: over the whole run, and as the median batch went, which other load disturbs less."""

    per_s: float
    usual_per_s: float

    @classmethod
    def of(cls, batch_s: Sequence[float], batch: int) -> Pace:
        """From the seconds of each batch."""
        return cls(batch / statistics.mean(batch_s), batch / statistics.median(batch_s))


def pace(ends: Sequence[float], batch: int) -> Pace:
    """From the end of the first batch on; `ends` is when each job was done, in seconds."""
    ordered = sorted(ends)[batch - 1 :: batch]
    return Pace.of([later - sooner for sooner, later in pairwise(ordered)], batch)


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
    with bench.process(*WORKER, "--model", MODEL):
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


@dataclass(frozen=True)
class System:
    """One row: how it is measured, and how many texts run together."""

    measure: Callable[[Rig, Sequence[str], int], Pace]
    batch: int = 1


SYSTEMS: dict[str, System] = {
    "slotline, batches of 1": System(by_slotline),
    "plain Celery, prefork -c 1": System(by_celery),
    f"slotline, batches of {BATCH}": System(by_slotline, BATCH),
    f"LitServe, batches of {BATCH}": System(by_litserve, BATCH),
}


def rows(bench: Rig, bare: BareProcess, count: int, names: Sequence[str]) -> Iterator[list[str]]:
    """One row a system; no text is used twice, since slotline would not compute it again."""
    first = 0
    for name in names:
        system = SYSTEMS[name]
        share = 1 if system.batch > 1 else SINGLES_SHARE
        wanted = texts(max(3 * system.batch, count // share), first)
        first += len(wanted)
        before = bare.batches_s(wanted, system.batch)
        got = system.measure(bench, wanted, system.batch)
        own = Pace.of(before + bare.batches_s(wanted, system.batch), system.batch)
        shares = (got.per_s / own.per_s, got.usual_per_s / own.usual_per_s)
        yield [name, f"{got.per_s:.1f}", f"{own.per_s:.1f}", *(f"{one:.3f}" for one in shares)]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=192, help="for each system in batches; a quarter of them else")
    parser.add_argument("--tiny", action="store_true", help="a model of 40,000 parameters, to see that it runs")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="NAME")
    asked = parser.parse_args()
    with rig() as bench:
        folder = write(bench.folder / MODEL, TINY if asked.tiny else SMALL)
        os.environ["BENCH_MODEL"] = str(folder)
        facts = machine(bench.client, ["celery", "torch", "transformers", "litserve"])
        print(f"## batching: {LENGTH} tokens from each of {asked.texts} texts\n\n{facts}\n")
        with bare_process(folder) as bare:
            head = ["one slot", "jobs/s", "bare `generate`, jobs/s", "share", "share, median batch"]
            print(table(head, list(rows(bench, bare, asked.texts, asked.only))))
        print(f"\nGoal: slotline in batches of {BATCH} at least 0.95 of the bare model.\n")


if __name__ == "__main__":
    main()
