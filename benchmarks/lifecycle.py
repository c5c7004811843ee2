"""A model's life: how soon a worker is ready, and how much of the memory that a load took an unload gives back.

    python -m benchmarks.lifecycle [--rounds 3] [--tiny]

The model is a BART of 100 million random parameters (400 MB in fp32) on a CPU. A worker's
start is timed from its command to its announcement of a warm model, and held against a
plain process that imports the same packages, loads the same model and runs it once, in
turns. The memory is the child's resident set, told by `slotline model status`, of a worker
that starts without the model: loaded by a job, unloaded by `slotline model unload`, and
both once more. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.batching import MODEL, WORKER, catalog_of
from benchmarks.living_slot import Slot
from benchmarks.random_bart import MIDDLE, TINY, texts, write
from benchmarks.rig import ROOT, Rig, machine, rig, table, wait_for
from benchmarks.task_pace import sent
from tasks.redis import keys

MB = 1024 * 1024
Row = tuple[str, str, str]


def bare_start_s(folder: Path) -> float:
    """From the command to a loaded model that has run once."""
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.bare_bart", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the bare model did not load")
        return time.monotonic() - began


def worker_start_s(bench: Rig) -> float:
    """From the command to the worker's announcement that it takes work."""
    began = time.monotonic()
    with bench.process(*WORKER, "--model", MODEL):
        return wait_for(lambda: bench.client.zcard(keys.capacity(MODEL)), "the slot to be ready") - began


def starts(bench: Rig, folder: Path, rounds: int) -> Iterator[Row]:
    """Both ways in turns; the first of all only brings the files into the system's cache."""
    bare_start_s(folder)
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(bare_start_s(folder))
        ours.append(worker_start_s(bench))
        wait_for(lambda: not bench.client.zcard(keys.capacity(MODEL)), "the slot to be gone")
    yield f"import and load, bare (median of {rounds})", f"{statistics.median(bare):.2f} s", ""
    yield f"worker's start to ready (median of {rounds})", f"{statistics.median(ours):.2f} s", ""
    yield "ratio", f"{statistics.median(ours) / statistics.median(bare):.2f}", "≤ 1.20"


def memory(bench: Rig) -> Iterator[Row]:
    """What loads take and unloads give back."""
    wanted = iter(texts(100))

    def summary() -> None:
        (result,) = sent(bench, "summary.part", MODEL, [next(wanted)], model=MODEL)
        wait_for(lambda: bench.client.exists(result), "a summary")

    with bench.process(*WORKER, "--model", MODEL, "--lazy"):
        slot = Slot(MODEL, summary)
        bare, first, after = slot.resident("unloaded"), slot.load(), slot.unload()
        second, last = slot.load(), slot.unload()
    yield "the child before any load, with a model, without it again", _megabytes(bare, first, after), ""
    yield "of that, packages that stay imported", _megabytes(after - bare), ""
    yield "memory of the second load, memory freed by its unload", _megabytes(second - after, second - last), ""
    yield "share freed", f"{(second - last) / max(1, second - after):.3f}", "≥ 0.95"


def _megabytes(*figures: int) -> str:
    return ", ".join(f"{one / MB:.0f}" for one in figures) + " MB"


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="starts of each kind")
    parser.add_argument("--tiny", action="store_true", help="a model of 40,000 parameters, to see that it runs")
    asked = parser.parse_args()
    with rig() as bench:
        folder = write(bench.folder / MODEL, TINY if asked.tiny else MIDDLE)
        (bench.folder / "models.toml").write_text(catalog_of(batch=1, length=8))
        print(f"## lifecycle\n\n{machine(bench.client, ['celery', 'torch', 'transformers'])}\n")
        rows: Sequence[Row] = [*starts(bench, folder, asked.rounds), *memory(bench)]
        print(table(("what", "figure", "goal"), rows))


if __name__ == "__main__":
    main()
