"""Slots of a face on the card of `benchmarks.gpu_check`: frames a second, memory, busy share; and the network alone.

For 1, 2, 4 slots and batches of 1, 16, 25 frames. The network has the real size and random weights; the backgrounds
are JPEGs of 1280 × 720. «The network alone» is ONNX Runtime in one process, with its input ready. ONNX Runtime must be
a build that can use the card. It prints nothing.

    python -m benchmarks.gpu_lipsync NETWORK BATCH SECONDS     the network alone: frames a second
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import face_folder
from benchmarks.gpu_card import Card, busy
from benchmarks.gpu_slots import LIMIT_S, Slots, when
from benchmarks.lipsync_stages import FPS, RATE, noise
from benchmarks.rig import ROOT, Rig
from producer import Client
from tasks.media.wav import encode_wav
from tasks.redis import keys

MODEL = "face"
BATCHES = (1, 16, 25)
FRAMES = 50
DRY_SIZE = (128, 96)
NEEDED = ("onnx", "onnxruntime", "cv2", "av")

Row = tuple[str, str, str]


class LipsyncCheck:
    """The checks on one card: for each slot a film of `seconds`."""

    def __init__(self, bench: Rig, card: Card, seconds: int, is_dry: bool) -> None:
        self._bench = bench
        self._card = card
        self._slots = Slots(bench, card, MODEL)
        self._seconds = seconds
        self._is_dry = is_dry
        self._client = Client(bench.redis_url)
        self._films = 0

    def rows(self, counts: Sequence[int], flow: Sequence[str]) -> Iterator[Row]:
        """Rows for each number of slots and each batch; `flow` is the command of a flow worker."""
        if why := self._refusal():
            yield "a face", f"left out: {why}", ""
            return
        size = DRY_SIZE if self._is_dry else (face_folder.WIDTH, face_folder.HEIGHT)
        folder = face_folder.write(self._bench.folder / "faces" / MODEL, "jpg", FRAMES, size, self._is_dry)
        for batch in BATCHES:
            yield f"a face: the network alone, batches of {batch}", f"{self._alone(folder, batch)} frames/s", ""
        for count in counts:
            for batch in BATCHES:
                yield from self._drained(folder, count, batch, flow)

    def _refusal(self) -> str:
        """Why it is not checked; empty if it is."""
        if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
            return f"{' and '.join(missing)} cannot be imported"
        import onnxruntime

        if self._is_dry or "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            return ""
        return f"onnxruntime {onnxruntime.__version__} is a CPU build"

    def _alone(self, folder: Path, batch: int) -> str:
        network = str(folder / "checkpoint" / "model_best.onnx")
        command = [sys.executable, "-m", "benchmarks.gpu_lipsync", network, str(batch), "1" if self._is_dry else "5"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
        if done.returncode:
            raise RuntimeError(f"the network alone: {done.stderr[-2000:]}")
        return done.stdout.strip()

    def _drained(self, folder: Path, count: int, batch: int, flow: Sequence[str]) -> Iterator[Row]:
        name = f"a face, {count} slots, batches of {batch}"
        write_catalog(self._bench, folder, batch)
        self._bench.client.delete(keys.footprint(MODEL))
        before = self._card.free_bytes
        with self._bench.process(*flow), self._slots.running(count):
            yield f"{name}: memory a slot, loaded", self._slots.memory(count, before), "±5%"
            per_s, share = self._drain(count)
            yield f"{name}", f"{per_s:.1f} frames/s, GPU busy {share}", ""
            yield f"{name}: memory a slot, after them", self._slots.memory(count, before), ""
        self._slots.wait_until_back(before)

    def _drain(self, count: int) -> tuple[float, str]:
        """Frames a second and the card's busy share, from the first stretches to the last one."""
        jobs = []
        for _ in range(count):
            self._films += 1
            sound = encode_wav(noise(self._seconds, self._films), RATE)
            jobs.append(self._client.submit_video(sound, model=MODEL))
        total = count * self._seconds

        def done() -> int:
            return sum(int(self._bench.client.hget(keys.job(job.id), "done") or 0) for job in jobs)

        began_s = when(lambda: done() >= count, "the first stretches")
        before = done()
        with busy(self._card) as samples:
            took_s = when(lambda: done() >= total, "the last stretch") - began_s
        for job in jobs:
            job.wait(LIMIT_S)
        return (total - before) * FPS / took_s, f"{statistics.mean(samples):.0%}" if samples else "not told"


def write_catalog(bench: Rig, folder: Path, batch: int) -> None:
    """Make the rig's catalog hold that face."""
    lines = [
        f"[models.{MODEL}]",
        'adapter = "lipsync"',
        f'path = "{folder}"',
        f"batch_size = {batch}",
        "memory_gb = 1.0",
    ]
    (bench.folder / "models.toml").write_text("\n".join(lines) + "\n")


def alone(network: str, batch: int, seconds: float) -> float:
    """Frames a second of the network by itself."""
    import numpy as np
    import onnxruntime

    wanted = [one for one in ("CUDAExecutionProvider", "CPUExecutionProvider") if one in _providers()]
    session = onnxruntime.InferenceSession(network, providers=wanted)
    feed = {
        one.name: np.random.default_rng(7).random((batch, *one.shape[1:]), dtype=np.float32)
        for one in session.get_inputs()
    }
    session.run(None, feed)
    began_s, frames = time.monotonic(), 0
    while time.monotonic() - began_s < seconds:
        session.run(None, feed)
        frames += batch
    return frames / (time.monotonic() - began_s)


def _providers() -> list[str]:
    import onnxruntime

    return list(onnxruntime.get_available_providers())


if __name__ == "__main__":
    print(f"{alone(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])):.1f}")
