"""What a slot needs besides its network for a frame of film: each step alone, and all of them in a real slot.

The faces are `benchmarks/face_folder.py`'s, with their frames as PNG, JPEG, a film, and PNG that `slotline faces
prepare` has turned into what decodes fastest. The network is stubbed (`benchmarks/stub_network.py`): it sleeps 6 ms a
frame, as one on a GPU would, and leaves the CPUs to the others. The audio encoder is of the real size and computes. It
prints nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import face_folder, film_clock, stub_network
from benchmarks.cpu_clock import CpuClock
from benchmarks.rig import ROOT, Rig, wait_for
from producer import Client
from tasks.catalog import read
from tasks.media.film.encode import encode_stretch
from tasks.media.wav import encode_wav
from tasks.messages import StretchRequest
from tasks.redis import keys
from tasks.store import artifacts
from workers.adapters import adapter_of
from workers.adapters.base import AnyAdapter
from workers.adapters.lipsync.folder import FaceFolder

MODEL = "face"
WORKER = ("celery", "-A", "workers", "worker")
PREPARED = "png, prepared"
SOURCES = (*face_folder.SOURCES, PREPARED)
FPS, RATE = 25, 16_000
ALONE_S = 8
"""Seconds of film whose steps are taken one after the other."""
HEAD_ALONE = [
    "ms a frame, one after the other", "decode", "cut, with the sound", "network and encoder",
    "paste", "encode", "store", "all but the network",
]  # fmt: skip
HEAD_SLOT = [
    "a slot", "frames/s", "network's share of the time", "CPUs used", "of these: parent, child, beside it",
    "ms a frame: prepare", "finish and encode", "store", "goal",
]  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What the caller asks for; `seconds` are of the film in a real slot."""

    seconds: int
    frames: int
    size: tuple[int, int]
    network_ms: float
    is_tiny: bool
    batch: int


def faces(bench: Rig, wanted: Wanted, sources: Sequence[str]) -> dict[str, Path]:
    """A folder for each source."""
    found: dict[str, Path] = {}
    for source in sources:
        name = source.replace(", ", "-")
        kind = "png" if source == PREPARED else source
        folder = bench.folder / "faces" / name
        if kind in found:
            found[source] = Path(shutil.copytree(found[kind], folder))
        else:
            found[source] = face_folder.write(folder, kind, wanted.frames, wanted.size, wanted.is_tiny)
        if source == PREPARED:
            command = [sys.executable, "-m", "tasks.command", "faces", "prepare", str(found[source])]
            done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"slotline faces prepare: {done.stdout}{done.stderr}")
    return found


def catalog(bench: Rig, folder: Path, batch: int) -> None:
    """Make the rig's catalog hold that face."""
    lines = [f"[models.{MODEL}]", 'adapter = "lipsync"', f'path = "{folder}"', f"batch_size = {batch}"]
    (bench.folder / "models.toml").write_text("\n".join(lines) + "\n")


class Alone:
    """The steps of a stretch in this process, one after the other, as a slot takes them in two."""

    def __init__(self, bench: Rig, wanted: Wanted, folder: Path) -> None:
        stub_network.stub(wanted.network_ms)
        self._wanted = wanted
        self._folder = folder
        entry = read(bench.folder / "models.toml")[MODEL]
        self._child: AnyAdapter = adapter_of(entry, "cpu")
        self._beside: AnyAdapter = adapter_of(entry, "cpu")
        self._beside.attach(self._child.load())
        self._sound = noise(ALONE_S)
        self._beside.read_artifact = lambda name: encode_wav(self._sound, RATE)
        self._took_s: dict[str, float] = {}

    def row(self, name: str) -> list[str]:
        """Milliseconds a frame of each step; the first stretch, which opens and warms, is not counted."""
        for second in range(ALONE_S):
            if second == 1:
                before_s, self._took_s = self._waited_s(), {}
            self._stretch(second)
        ms = {step: 1000 * took_s / FPS / (ALONE_S - 1) for step, took_s in self._took_s.items()}
        ms["prepare"] -= 1000 * (self._waited_s() - before_s) / FPS / (ALONE_S - 1)
        decode = decode_ms(self._folder)
        rest = decode + sum(ms.values()) - self._wanted.network_ms
        steps = ("prepare", "run", "paste", "encode", "store")
        return [name, f"{decode:.1f}", *(f"{ms[step]:.1f}" for step in steps), f"{rest:.1f}"]

    def _stretch(self, second: int) -> None:
        item = StretchRequest.trusted(
            {
                "model": MODEL, "sounds": ["sound"], "sounds_from": 0, "samples": len(self._sound), "frames": FPS,
                "start": second * FPS, "first_background": second * FPS, "pictures": None, "face": None,
            }
        )  # fmt: skip
        prepared = self._timed("prepare", lambda: self._beside.prepare(item))
        made = self._timed("run", lambda: self._child.run([prepared]))[0]
        if isinstance(made, Exception):
            raise made
        film = self._beside.finish(item, made)
        pictures = self._timed("paste", lambda: list(film.frames))
        stretch = self._timed("encode", lambda: encode_stretch(pictures, film.encoding))
        self._timed("store", lambda: artifacts.store().put_bytes(f"film/aa/{'a' * 64}.mp4", stretch.data))

    def _timed(self, step: str, call: Any) -> Any:
        began_s = time.monotonic()
        made = call()
        self._took_s[step] = self._took_s.get(step, 0.0) + time.monotonic() - began_s
        return made

    def _waited_s(self) -> float:
        """The seconds in which a stretch has waited for the threads that read ahead."""
        counted: Any = self._beside.stats()
        return float(counted.get("waited_s", 0.0))


def decode_ms(folder: Path) -> float:
    """Milliseconds to read a background, in order, by one thread; the first second's is not counted."""
    source, _ = FaceFolder.find(folder).opened()
    try:
        numbers = range(min(3 * FPS, source.count))
        for number in numbers:
            if number == len(numbers) // 3:
                began_s = time.monotonic()
            source.read(number)
        return 1000 * (time.monotonic() - began_s) / (len(numbers) - len(numbers) // 3)
    finally:
        source.close()


def slot_row(bench: Rig, name: str, wanted: Wanted) -> list[str]:
    """A film of so many seconds by one real slot, from its first stretch to its last."""
    clock = bench.folder / f"{name.replace(', ', '-')}.clock"
    changes = {film_clock.FILE: str(clock), stub_network.MS: str(wanted.network_ms)}
    include = ("--include", "benchmarks.film_clock,benchmarks.stub_network")
    with (
        bench.process(*WORKER, "--model", MODEL, *include, changes=changes) as slot,
        bench.process(*WORKER, "-Q", "flow", "-c", "1") as flow,
    ):
        wait_for(lambda: bench.client.exists(keys.capacity(MODEL)), "the slot to be ready", every_s=0.05)
        wait_for(lambda: bench.client.exists(keys.capacity("flow")), "the flow worker to be ready", every_s=0.05)
        job = Client(bench.redis_url).submit_video(encode_wav(noise(wanted.seconds), RATE), model=MODEL)
        cpu = CpuClock(bench.client, slot.pid, flow.pid)

        def done() -> int:
            return int(bench.client.hget(keys.job(job.id), "done") or 0)

        began_s = wait_for(lambda: done() >= 2, "the first stretches")
        first, before = done(), cpu.read()
        ended_s = wait_for(lambda: done() >= wanted.seconds, "the last stretch", 600)
        after = cpu.read()
        job.wait(120)
    made, took_s = (wanted.seconds - first) * FPS, ended_s - began_s
    used = {role: (after[role] - before.get(role, 0.0)) / took_s for role in ("parent", "child", "beside it")}
    return [
        name, f"{made / took_s:.1f}", f"{made * wanted.network_ms / 1000 / took_s:.3f}", f"{sum(used.values()):.2f}",
        ", ".join(f"{one:.2f}" for one in used.values()), *_steps_ms(clock), "" if name == "png" else "≥ 0.8",
    ]  # fmt: skip


def _steps_ms(clock: Path) -> Iterator[str]:
    spent: Mapping[str, list[float]] = film_clock.spent(clock)
    for step in ("prepare", "encode", "store"):
        yield f"{1000 * sum(spent[step]) / len(spent[step]) / FPS:.1f}"


def noise(seconds: int, seed: int = 0) -> Any:
    """Loud and silent in turn, int16 at 16,000 Hz; another one for each seed."""
    import numpy as np

    random = np.random.default_rng(seed)
    loud = np.arange(seconds * RATE) // (RATE // 4) % 3 > 0
    return (random.integers(-9000, 9000, seconds * RATE) * loud).astype(np.int16)


def remove(folder: Path) -> None:
    """A face's folder; PNGs are large."""
    shutil.rmtree(folder)
