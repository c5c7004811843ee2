"""Memory of a slot of Kokoro: while it speaks sentences of many lengths, and what an unload gives back.

    python -m benchmarks.kokoro_memory [--engine onnx|torch] [--model FOLDER] [--sentences 500] [--every 50]

The engine onnx takes the model that `slotline model pull kokoro` made, torch one of the real size with random weights;
`--model` names another folder. The memory is the resident set of the child, which holds the model, and of the process
beside it, which makes phonemes. After the sentences the model is unloaded, loaded again, speaks `--every` more of
them, and is unloaded again: the second load is compared with the second unload. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import random_kokoro
from benchmarks.cpu_clock import family
from benchmarks.kokoro_slots import MODEL, pulled_model, running, write_catalog
from benchmarks.living_slot import Slot
from benchmarks.process_memory import memory_of
from benchmarks.random_bart import texts
from benchmarks.rig import Rig, line, machine, rig, table
from producer import Client

LIMIT_S = 1800.0
MB = 1024 * 1024
LONG_WORDS = 90
"""About 500 phonemes; each 25th sentence has so many words."""
PACKAGES = {"onnx": "onnxruntime", "torch": "torch"}
HEAD = ["what", "child, MB", "beside it, MB", "goal"]


def sentence(number: int) -> str:
    """The one of that number: mostly of 2 to 31 words; no two are the same."""
    words = LONG_WORDS if number % 25 == 24 else 2 + number * 7 % 30
    return texts(1, number, words)[0]


class Speaking:
    """One slot that is given sentences, a few at a time."""

    def __init__(self, bench: Rig, worker: int, every: int) -> None:
        self._client = Client(bench.redis_url)
        self._worker = worker
        self._every = every
        self._next = 0
        self._slot = Slot(MODEL, self.speak)

    def speak(self) -> None:
        """The next few sentences; raises the error of one that was not spoken."""
        wanted = [sentence(number) for number in range(self._next, self._next + self._every)]
        self._next += self._every
        self._client.map(MODEL, wanted).wait(LIMIT_S)

    def rows(self, count: int) -> Iterator[list[str]]:
        """After every few of `count` sentences, then of the unload and what follows it."""
        yield self._row("loaded and warm", self._slot.resident("ready"))
        for number in range(self._every, count + 1, self._every):
            self.speak()
            yield self._row(f"after {number} sentences", self._slot.resident("ready"))
        first = self._slot.unload()
        yield self._row("unloaded", first)
        second = self._slot.load()
        yield self._row(f"loaded again, after {self._every} sentences", second)
        last = self._slot.unload()
        yield self._row("unloaded again", last)
        freed = (second - last) / max(1, second - first)
        yield ["share of the second load that its unload frees", f"{freed:.3f}", "", "≥ 0.95"]

    def _row(self, what: str, child_bytes: int) -> list[str]:
        beside = memory_of(pid for pid, depth in family(self._worker) if depth > 1)
        return [what, f"{child_bytes / MB:.0f}", f"{beside.rss_bytes / MB:.0f}", ""]


def _prepare(bench: Rig, engine: str, model: Path | None) -> Sequence[str]:
    """Write the catalog, and weights where none are given; the options of the worker's command."""
    if engine == "torch" and not model:
        write_catalog(bench, random_kokoro.write(bench.folder / MODEL), engine=engine, voice=random_kokoro.VOICE)
        return "--include", "benchmarks.kokoro_letters"
    write_catalog(bench, model or pulled_model(), engine=engine)
    return ()


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=PACKAGES, default="onnx")
    parser.add_argument("--model", type=Path, help="the model's folder")
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--every", type=int, default=50, help="how many sentences from one look to the next")
    asked = parser.parse_args()
    with rig() as bench:
        worker_options = _prepare(bench, asked.engine, asked.model)
        facts = machine(bench.client, [PACKAGES[asked.engine], "misaki"])
        print(f"## kokoro_memory: engine {asked.engine}\n\n{facts}\n")
        print(table(HEAD, []))
        with running(bench, 1, *worker_options) as workers:
            for row in Speaking(bench, workers[0].pid, asked.every).rows(asked.sentences):
                print(line(row), flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
