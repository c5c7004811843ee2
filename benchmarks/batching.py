"""What is left of a model's own speed behind a queue or a server: jobs a second, in batches and one by one.

    python -m benchmarks.batching [--texts 128] [--pairs 5] [--tiny] [--subjects bart kokoro] [--only NAME…]

The first model is a BART of 10 million random parameters on one CPU thread; each text has about 90 tokens and becomes
48. The second is Kokoro (`benchmarks/kokoro_batching.py`). All jobs wait before the measurement, which runs from the
end of the first batch to the end of the last. Slotline, the bare model in a process of its own, and a server run in
turn, several rounds, each time on the same texts in the same batches. The share is the seconds in the model of all
seconds, by the clock of the process that computes. Prints a Markdown table.
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
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from benchmarks import generate_clock, kokoro_batching, kokoro_slots
from benchmarks.bare_bart import LENGTH
from benchmarks.pairs import Spread, in_turn
from benchmarks.random_bart import SMALL, TINY, texts, write
from benchmarks.rig import LIMIT_S, ROOT, Rig, line, machine, rig, table, wait_for
from benchmarks.task_pace import Case, Measure, Pace, Subject, drained, pace, sent

MODEL = "bart"
OURS = "slotline"
BATCH = 16
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
        wait_for(lambda: answers(f"{url}/health"), "LitServe to be ready", every_s=0.1)
        with ThreadPoolExecutor(len(wanted)) as clients:
            return pace(list(clients.map(ask, wanted)), batch)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a server answers there."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


def by_itself(bare: BareProcess, _: Rig, wanted: Sequence[str], batch: int) -> Pace:
    """The bare model; its tokens are ready before the clock starts."""
    batch_s = bare.batches_s(wanted, batch)[1:]
    return Pace(batch / statistics.mean(batch_s), batch / statistics.median(batch_s), 1.0)


BARE = "bare `generate`"
SYSTEMS: dict[str, Measure] = {
    OURS: by_slotline,
    "LitServe": by_litserve,
    "Celery, prefork -c 1": by_celery,
}
CASES = (
    Case(f"batches of {BATCH}", BATCH, ("LitServe", BARE), "share ≥ 0.97"),
    Case("one by one", 1, ("Celery, prefork -c 1", BARE), one_in=4),
)


@contextmanager
def bart(bench: Rig, asked: argparse.Namespace) -> Iterator[Subject]:
    """The BART, and its bare process, until the block ends."""
    folder = write(bench.folder / MODEL, TINY if asked.tiny else SMALL)
    os.environ["BENCH_MODEL"] = str(folder)
    with bare_process(folder) as bare:
        yield Subject(texts, {**SYSTEMS, BARE: partial(by_itself, bare)}, CASES)


SUBJECTS: dict[str, Callable[[Rig, argparse.Namespace], AbstractContextManager[Subject]]] = {
    MODEL: bart,
    kokoro_slots.MODEL: kokoro_batching.kokoro,
}
HEAD = ["one slot", "jobs/s", "share of the time in the model", "slotline's jobs/s ÷ its", "median batch", "goal"]


def rows(bench: Rig, subject: Subject, case: Case, count: int, rounds: int) -> Iterator[list[str]]:
    """A row a system. No text is used in two rounds, since slotline would not compute it again."""
    count = max(4 * case.batch, count // case.one_in)

    def measured(name: str, number: int) -> Pace:
        bench.client.flushall()
        generate_clock.forget()
        wanted = subject.texts(count, case.batch * FAR_TEXTS + number * count)
        return subject.systems[name](bench, wanted, case.batch)

    found = in_turn({name: partial(measured, name) for name in (OURS, *case.against)}, rounds)
    for name in found:
        pairs = list(zip(found[OURS], found[name], strict=True))
        by_all = Spread(tuple(one.per_s / other.per_s for one, other in pairs))
        by_median = Spread(tuple(one.usual_per_s / other.usual_per_s for one, other in pairs))
        is_ours = name == OURS
        yield [
            f"{case.name}: {name}",
            Spread(tuple(one.per_s for one in found[name])).text(2),
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
    parser.add_argument("--tiny", action="store_true", help="a BART of 40,000 parameters, to see that it runs")
    parser.add_argument("--kokoro", type=Path, help="Kokoro's folder; by default the pulled one")
    parser.add_argument("--subjects", nargs="+", choices=SUBJECTS, default=list(SUBJECTS), help="the models")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the cases, by the begin of a row")
    asked = parser.parse_args()
    with rig() as bench:
        os.environ[generate_clock.FILE] = str(bench.folder / "clock")
        facts = machine(bench.client, ["celery", "torch", "transformers", "litserve", "onnxruntime"])
        print(f"## batching: {asked.texts} texts, {asked.pairs} rounds in turn\n\n{facts}\n")
        print(table(HEAD, []))
        for name in asked.subjects:
            with SUBJECTS[name](bench, asked) as subject:
                for case in subject.cases:
                    if not asked.only or case.name in asked.only:
                        for row in rows(bench, subject, case, asked.texts, asked.pairs):
                            print(line(row), flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
