"""Kokoro's slots on the card of `benchmarks.gpu_check`: seconds of computing for a second of sound, memory, busy share.

For each engine, and for 1, 2, 4 slots: the engine torch in fp16, and ONNX Runtime in fp32 where its build can use the
card. The weights are random and of the real size, made on the spot; the phonemes are letters. It prints nothing.
"""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import random_kokoro
from benchmarks.gpu_card import Card, busy
from benchmarks.gpu_slots import LIMIT_S, Slots, when
from benchmarks.kokoro_slots import MODEL, write_catalog
from benchmarks.random_bart import texts
from benchmarks.rig import Rig
from producer import Client
from tasks.messages import ParagraphResult
from tasks.redis import keys

GOAL_SLOTS = 2
WORDS = 35
"""About 200 letters, so a piece; fewer in a dry run."""
DRY_WORDS = 5
INCLUDE = ("--include", "benchmarks.kokoro_letters")

Row = tuple[str, str, str]


class KokoroCheck:
    """The checks on one card; each slot gets an eighth of `jobs` texts, four at least."""

    def __init__(self, bench: Rig, card: Card, jobs: int, is_dry: bool) -> None:
        self._bench = bench
        self._card = card
        self._slots = Slots(bench, card, MODEL)
        self._jobs = max(4, jobs // 8)
        self._is_dry = is_dry
        self._client = Client(bench.redis_url)
        self._next_text = 0

    def rows(self, counts: Sequence[int], flow: Sequence[str]) -> Iterator[Row]:
        """A few rows for each engine and number of slots; `flow` is the command of a flow worker."""
        if importlib.util.find_spec("kokoro") is None:
            yield "Kokoro", "left out: the package kokoro is not installed", ""
            return
        folder = random_kokoro.write(
            self._bench.folder / MODEL, random_kokoro.TINY if self._is_dry else random_kokoro.REAL
        )
        yield from self._engine("torch", folder, counts, flow)
        if why := self._no_onnx():
            yield "Kokoro, onnx", f"left out: {why}", ""
            return
        yield from self._engine("onnx", random_kokoro.export(folder, self._bench.folder / "kokoro-onnx"), counts, flow)

    def _no_onnx(self) -> str:
        """Why ONNX Runtime is not checked; empty if it is."""
        if importlib.util.find_spec("onnxruntime") is None:
            return "onnxruntime is not installed"
        import onnxruntime

        if self._is_dry or "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            return ""
        return f"onnxruntime {onnxruntime.__version__} is a CPU build"

    def _engine(self, engine: str, folder: Path, counts: Sequence[int], flow: Sequence[str]) -> Iterator[Row]:
        write_catalog(self._bench, folder, engine=engine, voice=random_kokoro.VOICE, memory_gb=1.0)
        self._bench.client.delete(keys.footprint(MODEL))
        for count in counts:
            name = f"Kokoro, {engine}, {count} slots"
            before = self._card.free_bytes
            with self._bench.process(*flow), self._slots.running(count, *INCLUDE):
                yield f"{name}: memory a slot, loaded", self._slots.memory(count, before), "±5%"
                factor, share = self._drain(count)
                goal = "busy ≥ 95%" if count == GOAL_SLOTS and engine == "torch" else ""
                yield f"{name}: real-time factor", f"{factor:.4f}, GPU busy {share}", goal
                yield f"{name}: memory a slot, after them", self._slots.memory(count, before), ""
            self._slots.wait_until_back(before)

    def _drain(self, count: int) -> tuple[float, str]:
        """Seconds for a second of sound, and the card's busy share, from the first text's end to the last one's."""
        total = count * self._jobs
        job = self._client.map(MODEL, texts(total, self._next_text, DRY_WORDS if self._is_dry else WORDS))
        self._next_text += total

        def ended() -> int:
            fields = self._bench.client.hmget(keys.job(job.id), "done", "failed")
            return sum(int(one or 0) for one in fields)

        began_s = when(lambda: ended() >= count, "the first texts")
        before = ended()
        with busy(self._card) as samples:
            took_s = when(lambda: ended() >= total, "the last text") - began_s
        spoken = [one for one in job.wait(LIMIT_S) if isinstance(one, ParagraphResult)]
        sound_s = statistics.mean(one.duration_s for one in spoken) * (total - before)
        return took_s / sound_s, f"{statistics.mean(samples):.0%}" if samples else "not told"
