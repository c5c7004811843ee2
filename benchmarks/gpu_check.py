"""What slots on a real GPU do: memory planned and used, jobs a second, unload and reload, and memory back after deaths.

    python -m benchmarks.gpu_check [--slots 1 2 4] [--jobs 48] [--batch 16] [--catalog FILE]

Needs a GPU, torch and transformers, and says so in one line where one is missing. The model
is a BART of the size of bart-large-cnn (0.4 billion parameters, fp16) with random weights,
made on the spot; `--catalog` takes another, the model `bart` of that file. Every figure of
memory is the driver's. Prints a Markdown table; leaves nothing behind.
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
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from celery import Celery, group

from benchmarks.rig import ROOT, Rig, machine, rig, table, wait_for
from tasks import keys
from workers.slots import nvml
from workers.slots.holders import Holder, on_gpu
from workers.slots.plan import GB, gb

MODEL = "bart"
TASK = "bench.texts"
WORKER = ("celery", "-A", "workers", "worker", "--model", MODEL, "--include", "benchmarks.gpu_task")
LOAD_LIMIT_S = 300.0
SETTLE_S = 5.0
SAME_BYTES = 64 * 1024 * 1024
"""Free memory is «back» when it differs by less."""

Row = tuple[str, str, str]


def make_bart(folder: Path) -> None:
    """A BART of bart-large-cnn's size with random weights, and a small tokenizer, to be loaded from `folder`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["The sea was calm, and the boat lay still upon it."], trainer)
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=1024, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(folder)
    torch.manual_seed(7)
    # The defaults of BartConfig are bart-large's: 12 + 12 layers, 1,024 wide, 50,265 words, 1,024 positions.
    BartForConditionalGeneration(BartConfig(num_beams=4)).to(torch.float16).save_pretrained(folder)


def lifecycle_of(catalog_file: Path) -> None:
    """In a process of its own, on the GPU that it is pinned to: load, unload, load again; free bytes as JSON."""
    from tasks.catalog import read
    from workers.models import lifecycle

    uuid = os.environ["CUDA_VISIBLE_DEVICES"]
    entry = read(catalog_file)[MODEL]
    free: list[int] = [nvml.read(uuid).free_bytes]
    first = lifecycle.load(entry, "cuda:0")
    free.append(nvml.read(uuid).free_bytes)
    first.adapter.unload()
    time.sleep(SETTLE_S)
    free.append(nvml.read(uuid).free_bytes)
    again = lifecycle.load(entry, "cuda:0")
    free.append(nvml.read(uuid).free_bytes)
    print(json.dumps({"free": free, "load_s": [first.load_s, again.load_s]}))


class Check:
    """The checks on one GPU; each gives rows of the table: what, figure, goal."""

    def __init__(self, bench: Rig, gpu: nvml.Gpu, jobs: int, batch: int) -> None:
        self._bench = bench
        self._uuid = gpu.uuid
        self._jobs = jobs
        self._batch = batch
        self._app = Celery("sender", broker=bench.redis_url, backend=bench.redis_url, set_as_current=False)

    @property
    def free_bytes(self) -> int:
        """Of the card, by the driver."""
        return nvml.read(self._uuid).free_bytes

    def slots(self, count: int) -> Iterator[Row]:
        """Memory a slot and jobs a second with `count` slots, one text a job and a batch of them a job."""
        before = self.free_bytes
        with self._workers(count):
            used = (before - self.free_bytes) / count
            planned = self._planned_bytes()
            off = 100 * (used - planned) / planned
            yield f"{count} slots: memory a slot", f"{gb(planned, 2)} planned, {gb(used, 2)} used ({off:+.1f}%)", "±5%"
            for texts, name in ((1, "batches off"), (self._batch, f"{self._batch} texts at once")):
                per_s, busy = self._drain(count, texts)
                yield f"{count} slots: {name}", f"{per_s:.1f} texts/s, GPU busy {busy}", ""
        yield f"{count} slots: memory after they ended", self._back(before, "the workers' memory"), "all"

    def unload(self, catalog_file: Path) -> Iterator[Row]:
        """What an unload gives back, and a second load."""
        command = [sys.executable, "-m", "benchmarks.gpu_check", "--lifecycle", str(catalog_file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * LOAD_LIMIT_S)
        if done.returncode:
            raise RuntimeError(f"load and unload failed:\n{done.stderr[-2000:]}")
        told = json.loads(done.stdout.splitlines()[-1])
        bare, loaded, unloaded, again = told["free"]
        share = 100 * (unloaded - loaded) / max(1, bare - loaded)
        yield "unload gives back", f"{share:.0f}% of {gb(bare - loaded, 2)} GB (the rest is CUDA's context)", "≥ 95%"
        first_s, second_s = told["load_s"]
        yield "load, then load again", f"{first_s:.1f} s, {second_s:.1f} s; {gb(bare - again, 2)} GB", "the same memory"

    def deaths(self) -> Iterator[Row]:
        """SIGKILL of a child and of a worker with the model on the card."""
        before = self.free_bytes
        with self._workers(1):
            loaded = self.free_bytes
            holder = self._holders()[0]
            _kill(_child_of(holder.pid))
            began = time.monotonic()
            back = self._when(lambda: self.free_bytes > loaded + (before - loaded) // 2, "the child's memory")
            wait_for(lambda: not self._ready(1), "the worker to notice", 10)
            ready = self._when(lambda: self._ready(1), "the model to be loaded again")
            yield "child killed: memory back, ready again", f"{back - began:.1f} s, {ready - began:.1f} s", ""
            _kill(holder.pid)
            began = time.monotonic()
            back = self._when(lambda: self._is_back(before), "the worker's memory")
            yield "worker killed: memory back", f"{back - began:.1f} s", ""

    def _drain(self, slots: int, texts: int) -> tuple[float, str]:
        """Texts a second over all slots, and the share of the time in which the GPU computed."""
        count = max(slots, self._jobs // texts) if texts > 1 else self._jobs
        warm = group(self._app.signature(TASK, kwargs={"count": texts}, queue=MODEL) for _ in range(slots))
        warm.apply_async().get(timeout=LOAD_LIMIT_S)
        with _busy(self._uuid) as samples:
            began = time.monotonic()
            jobs = group(self._app.signature(TASK, kwargs={"count": texts}, queue=MODEL) for _ in range(count))
            done = sum(jobs.apply_async().get(timeout=LOAD_LIMIT_S))
            took_s = time.monotonic() - began
        return done / took_s, f"{100 * statistics.mean(samples):.0f}%" if samples else "not told"

    @contextlib.contextmanager
    def _workers(self, count: int) -> Iterator[None]:
        with ExitStack() as stack:
            started = [stack.enter_context(self._bench.process(*WORKER, may_be_killed=True)) for _ in range(count)]
            self._when(
                lambda: self._ready(count) or any(one.poll() is not None for one in started),
                f"{count} slots to be ready",
            )
            if not self._ready(count):
                raise RuntimeError(f"a worker ended: {self._bench.last_words()}")
            yield

    def _ready(self, count: int) -> bool:
        return sum(holder.ready for holder in self._holders()) >= count

    def _holders(self) -> list[Holder]:
        return on_gpu(self._bench.client, self._uuid)

    def _planned_bytes(self) -> int:
        measures = [json.loads(raw)["bytes"] for raw in self._bench.client.hvals(keys.footprint(MODEL))]
        return int(max(measures))

    def _is_back(self, before: int) -> bool:
        return before - self.free_bytes < SAME_BYTES

    def _back(self, before: int, what: str) -> str:
        began = time.monotonic()
        return f"back after {self._when(lambda: self._is_back(before), what) - began:.1f} s"

    def _when(self, condition: Callable[[], object], what: str) -> float:
        return wait_for(condition, what, LOAD_LIMIT_S, every_s=0.05)


@contextlib.contextmanager
def _busy(uuid: str) -> Iterator[list[float]]:
    """The GPU's busy share, sampled while the block runs."""
    samples: list[float] = []
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(0.2):
            share = nvml.busy_share(uuid)
            if share is not None:
                samples.append(share)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _refusal(gpus: nvml.Survey, needs_torch: bool) -> str:
    """Why the check cannot run here, in one line; empty when it can."""
    if not gpus.gpus:
        return f"gpu-check: there is no GPU here ({gpus.reason}); run it on a machine with one"
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if needs_torch and missing:
        return f"gpu-check: {' and '.join(missing)} cannot be imported; run: pip install 'slotline[summary]'"
    return ""


def main() -> int:
    """Run every check and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--jobs", type=int, default=48, help="texts of each drain")
    parser.add_argument("--batch", type=int, default=16, help="texts of one job, where they run together")
    parser.add_argument("--catalog", type=Path, help="take the model `bart` of this file")
    parser.add_argument("--lifecycle", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.lifecycle:
        lifecycle_of(asked.lifecycle)
        return 0
    gpus = nvml.survey(os.environ.get("CUDA_VISIBLE_DEVICES"))
    if refusal := _refusal(gpus, asked.catalog is None):
        print(refusal, file=sys.stderr)
        return 1
    gpu = max(gpus.gpus, key=lambda one: one.free_bytes)
    os.environ.update(CUDA_VISIBLE_DEVICES=gpu.uuid, MODEL_DEVICE="cuda")
    with rig() as bench:
        catalog_file = bench.folder / "models.toml"
        if asked.catalog:
            catalog_file.write_text(asked.catalog.read_text())
        else:
            make_bart(bench.folder / MODEL)
            made = f'[models.{MODEL}]\nadapter = "bart"\npath = "{MODEL}"\nmemory_gb = 1.5\n'
            catalog_file.write_text(made)
        check = Check(bench, gpu, asked.jobs, asked.batch)
        rows = [row for count in asked.slots for row in check.slots(count)]
        rows += [*check.unload(catalog_file), *check.deaths()]
        print(table(("what", "figure", "goal"), rows))
        card = f"{gpu.name}, {gpu.total_bytes / GB:.0f} GB, {gb(gpu.free_bytes)} free at the start"
        print(f"\n{card}; {machine(bench.client, ['celery', 'redis'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
