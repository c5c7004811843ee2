"""What slots on a real GPU do: memory planned and used, jobs a second, out of memory, unload and reload, deaths.

    python -m benchmarks.gpu_check [--models bart kokoro lipsync] [--slots 1 2 4] [--jobs 512] [--batch 16]
                                   [--catalog FILE] [--busy-only] [--dry-run]

Needs a GPU, torch and transformers, and says so in one line where one is missing. The model is a BART of the size of
bart-large-cnn (0.4 billion parameters, fp16) with random weights, made on the spot; `--catalog` takes another, the
model `bart` of that file. Then come Kokoro's slots (`benchmarks/gpu_kokoro.py`), and those of a face
(`benchmarks/gpu_lipsync.py`). The jobs are `Client.map`'s, and films. Every figure of memory is the driver's.
`--busy-only` leaves out all but memory, jobs a second and the busy share. `--dry-run` takes tiny models on the CPU, to
see that the check itself runs. Prints a Markdown table, a row as soon as it is measured; leaves nothing behind.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import gpu_kokoro, gpu_lipsync, kokoro_slots
from benchmarks.gpu_card import Card, CpuCard, GpuCard, busy, children_of, hog
from benchmarks.gpu_slots import LIMIT_S, WORKER, Slots, when
from benchmarks.random_bart import LARGE, TINY, texts, write
from benchmarks.rig import ROOT, Rig, line, machine, rig, table, wait_for
from producer import Client
from tasks.redis import keys
from workers.slots import nvml
from workers.slots.plan import GB, gb

MODEL = "bart"
LIPSYNC = "lipsync"
STORM_BATCH = 64
STORM_WORDS = 600
"""About 900 tokens: 64 such texts want more memory than is left to them, and one wants far less."""

GOAL_SLOTS = 2
BUSY_GOAL = "busy ≥ 95%"

Row = tuple[str, str, str]


class Check:
    """The checks on one card; each gives rows of the table: what, figure, goal."""

    def __init__(self, bench: Rig, card: Card, jobs: int, batch: int) -> None:
        self._bench = bench
        self._card = card
        self._slots = Slots(bench, card, MODEL)
        self._jobs = jobs
        self._batch = batch
        self._client = Client(bench.redis_url)
        self._next_text = 0

    def rows(self, counts: Sequence[int], busy_only: bool, leave_bytes: int) -> Iterator[Row]:
        """All of them, or only those of `slots`."""
        for count in counts:
            yield from self.slots(count)
        if not busy_only:
            yield from self.storm(leave_bytes)
            yield from self.unload()
            yield from self.deaths()

    def slots(self, count: int) -> Iterator[Row]:
        """Memory a slot, and jobs a second with `count` slots, pipeline and batches on and off."""
        before, back = self._card.free_bytes, ""
        for batch, has_pipeline in ((self._batch, True), (self._batch, False), (1, True)):
            with self._workers(count, batch, has_pipeline):
                if not back:
                    yield f"{count} slots: memory a slot", self._slots.memory(count, before), "±5%"
                per_s, share = self._drain(self._jobs if batch > 1 else max(4, self._jobs // 4), count * batch)
                name = f"batches of {batch}" if batch > 1 else "batches off"
                goal = BUSY_GOAL if has_pipeline and count == GOAL_SLOTS and batch > 1 else ""
                name += "" if has_pipeline else ", pipeline off"
                yield f"{count} slots: {name}", f"{per_s:.1f} jobs/s, GPU busy {share}", goal
            back = f"back after {self._slots.wait_until_back(before):.1f} s"
        yield f"{count} slots: memory after they ended", back, "all"

    def storm(self, leave_bytes: int) -> Iterator[Row]:
        """Long texts in batches that are too large for the memory that is left."""
        with self._workers(1, STORM_BATCH):
            self._run(1)
            with hog(leave_bytes):
                made = self._run(2 * STORM_BATCH, STORM_WORDS)
            sizes = [int(self._bench.client.get(key) or 0) for key in self._bench.client.keys(keys.fits(MODEL, "*"))]
        fitted = f"halved to {min(sizes)}" if sizes else "memory never ran out"
        left = f" of {gb(leave_bytes)} GB" if leave_bytes else ""
        yield f"long texts in batches of {STORM_BATCH}{left}: done", f"{made} of {2 * STORM_BATCH}, {fitted}", "all"

    def unload(self) -> Iterator[Row]:
        """What `slotline model unload` gives back, and what the next job takes again."""
        bare = self._card.free_bytes
        with self._workers(1, self._batch):
            loaded, first_s = self._card.free_bytes, self._load_s()
            unloaded = self._unloaded()
            self._run(1)
            reloaded, again_s = self._card.free_bytes, self._load_s()
            last = self._unloaded()
        share = 100 * (last - reloaded) / max(1, unloaded - reloaded)
        kept = gb(bare - unloaded, 2)
        yield "unload gives back", f"{share:.0f}% of what the load took ({kept} GB stay: packages, context)", "≥ 95%"
        took = f"{gb(bare - loaded, 2)} GB, {gb(bare - reloaded, 2)} GB"
        yield "load, then a job loads it again", f"{first_s:.1f} s, {again_s:.1f} s; {took}", "the same memory"

    def deaths(self) -> Iterator[Row]:
        """SIGKILL of a child and of a worker with the model on the card."""
        before = self._card.free_bytes
        with self._workers(1, self._batch):
            loaded = self._card.free_bytes
            holder = self._card.holders()[0]
            os.kill(children_of(holder.pid)[0], signal.SIGKILL)
            began = time.monotonic()
            half = loaded + (before - loaded) // 2
            back = when(lambda: self._card.free_bytes > half, "the child's memory")
            wait_for(lambda: not self._slots.are_ready(1), "the worker to notice", 10)
            ready = when(lambda: self._slots.are_ready(1), "the model to be loaded again")
            yield "child killed: memory back, ready again", f"{back - began:.1f} s, {ready - began:.1f} s", ""
            os.kill(holder.pid, signal.SIGKILL)
            yield "worker killed: memory back", f"{self._slots.wait_until_back(before):.1f} s", ""

    def _run(self, count: int, words: int = 60) -> int:
        """So many texts, none of them used before, through `Client.map`; how many were done."""
        wanted = texts(count, self._next_text, words)
        self._next_text += count
        outcomes = self._client.map(MODEL, wanted).wait(LIMIT_S, return_errors=True)
        return sum(not isinstance(one, Exception) for one in outcomes)

    def _drain(self, count: int, at_once: int) -> tuple[float, str]:
        """Jobs a second over all slots, and the share of the time in which the card computed, while more jobs wait.

        So neither the first `at_once` jobs count, nor the last ones.
        """
        wanted = texts(count, self._next_text)
        self._next_text += count
        job = self._client.map(MODEL, wanted)

        def ended() -> int:
            fields = self._bench.client.hmget(keys.job(job.id), "done", "failed")
            return sum(int(one or 0) for one in fields)

        first, last = (at_once, count - 2 * at_once) if count > 3 * at_once else (1, count)
        began = when(lambda: ended() >= first, "the first jobs")
        before = ended()
        with busy(self._card) as samples:
            took_s = when(lambda: ended() >= last, "the last jobs") - began
            made = ended() - before
        failed = [one for one in job.wait(LIMIT_S, return_errors=True) if isinstance(one, Exception)]
        if failed:
            raise RuntimeError(f"{len(failed)} of {count} jobs failed: {self._bench.last_words()}")
        return made / took_s, f"{statistics.mean(samples):.0%}" if samples else "not told"

    @contextlib.contextmanager
    def _workers(self, count: int, batch: int, has_pipeline: bool = True) -> Iterator[None]:
        changes = {"GPU_BATCH_SIZE": str(batch), "SLOTLINE_PIPELINE": str(int(has_pipeline))}
        with self._slots.running(count, changes=changes):
            yield

    def _load_s(self) -> float:
        return float(self._model("status", "--json")["models"][0]["load_s"])

    def _unloaded(self) -> int:
        """Free bytes once the model is unloaded."""
        self._model("unload", "--json")
        when(lambda: self._model("status", "--json")["models"][0]["state"] == "unloaded", "it to be unloaded")
        time.sleep(self._card.settle_s)
        return self._card.free_bytes

    def _model(self, *words: str) -> dict[str, Any]:
        """`slotline model`, as a person runs it."""
        command = [sys.executable, "-m", "tasks.command", "model", words[0], MODEL, *words[1:]]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
        if done.returncode:
            raise RuntimeError(f"slotline model {words[0]}: {done.stdout}{done.stderr}")
        told: dict[str, Any] = json.loads(done.stdout)
        return told


def refusal(gpus: nvml.Survey, needs_torch: bool, is_dry: bool) -> str:
    """Why the check cannot run here, in one line; empty when it can."""
    if not gpus.gpus and not is_dry:
        return f"gpu-check: there is no GPU here ({gpus.reason}); run it on a machine with one"
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if needs_torch and missing:
        return f"gpu-check: {' and '.join(missing)} cannot be imported; run: pip install 'slotline[summary]'"
    return ""


def prepare(bench: Rig, catalog: Path | None, is_dry: bool) -> None:
    """The catalog of the check, and the model that it names where the caller gave none."""
    catalog_file = bench.folder / "models.toml"
    if catalog:
        catalog_file.write_text(catalog.read_text())
        return
    write(bench.folder / MODEL, TINY if is_dry else LARGE, half=not is_dry)
    lengths = "min_length = 64\nmax_length = 64\n"
    table_of = f'[models.{MODEL}]\nadapter = "bart"\npath = "{MODEL}"\nmemory_gb = 1.5\nbatch_size = {STORM_BATCH}\n'
    catalog_file.write_text(table_of + lengths)


def arguments() -> argparse.Namespace:
    """What the caller asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    models = (MODEL, kokoro_slots.MODEL, LIPSYNC)
    parser.add_argument("--models", choices=models, nargs="+", default=models, help="which are checked")
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--jobs", type=int, default=512, help="of each drain; a quarter where batches are off")
    parser.add_argument("--batch", type=int, default=16, help="texts that run together")
    parser.add_argument("--catalog", type=Path, help="take the model `bart` of this file")
    parser.add_argument("--leave-gb", type=float, default=3.0, help="left free for the storm; 0: as much as there is")
    parser.add_argument("--busy-only", action="store_true", help="no checks of memory that runs out, unload, deaths")
    parser.add_argument("--dry-run", action="store_true", help="a tiny model on the CPU, to see that the check runs")
    return parser.parse_args()


def rows(bench: Rig, card: Card, asked: argparse.Namespace) -> Iterator[Row]:
    """Of one model after the other. Each has a flow worker of its own, which reads the catalog when it starts."""
    flow = (*WORKER, "-Q", "flow", "-c", "1")
    if MODEL in asked.models:
        prepare(bench, asked.catalog, asked.dry_run)
        with bench.process(*flow):
            leave_bytes = 0 if asked.dry_run else int(asked.leave_gb * GB)
            yield from Check(bench, card, asked.jobs, asked.batch).rows(asked.slots, asked.busy_only, leave_bytes)
    if kokoro_slots.MODEL in asked.models:
        yield from gpu_kokoro.KokoroCheck(bench, card, asked.jobs, asked.dry_run).rows(asked.slots, flow)
    if LIPSYNC in asked.models:
        seconds = max(4, asked.jobs // 16)
        yield from gpu_lipsync.LipsyncCheck(bench, card, seconds, asked.dry_run).rows(asked.slots, flow)


def main() -> int:
    """Run every check and print the table."""
    asked = arguments()
    gpus = nvml.survey(os.environ.get("CUDA_VISIBLE_DEVICES"))
    if why := refusal(gpus, asked.catalog is None, asked.dry_run):
        print(why, file=sys.stderr)
        return 1
    with rig() as bench:
        card: Card = CpuCard(bench.client)
        own = {"MODEL_DEVICE": "cpu", "SLOTLINE_CPU_SLOTS": str(max(asked.slots))}
        if not asked.dry_run:
            gpu = max(gpus.gpus, key=lambda one: one.free_bytes)
            card = GpuCard(gpu, bench.client)
            own = {"MODEL_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": gpu.uuid}
        bench.environment.update(own)
        os.environ.update(own)
        at_first = gb(card.free_bytes)
        print(table(("what", "figure", "goal"), []))
        for row in rows(bench, card, asked):
            print(line(row), flush=True)
        print(f"\n{card.name}, {at_first} GB free at the start; {machine(bench.client, ['celery', 'redis'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
