"""A conversation of many people with faces, on real workers: who gets the frames of the answers in time.

Four slots (`--slots`) of the rehearsal, each with 150 frames a second, so that no GPU is needed; flow workers, Redis
and the store are real. Each person's turn is a sound of 4 s that nobody has sent before, and a film of it. A frame is
out when the ledger has the outcome of its stretch: then any reader can have it. One process looks, by one clock.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import film_clock
from benchmarks.cpu_clock import family, seconds_of
from benchmarks.rig import Rig, wait_for
from benchmarks.turns import FPS, Turn, schedule, shares
from producer import Client, Job
from tasks.media.wav import encode_wav
from tasks.redis import keys

MODEL = "faces"
WORKER = ("celery", "-A", "workers", "worker")
PERIOD_S, SPEAKS_S = 15.0, 4.0
FRAMES_A_SECOND = 150
LOOK_S = 0.01
"""How often it is looked what is out: so much later than it was, at most."""
WARMING = 3
"""Turns for each slot before anything is measured: workers import what they need for film with their first one."""
PATIENCE_S = 30.0
"""How long the last films are waited for."""
HEAD = [
    "people", "frames in time", "turns: first frame in time", "all frames in time", "latest frame, s late",
    "unluckiest person", "left behind", "slots busy", "CPUs: slots, flow, Redis", "goal",
]  # fmt: skip
GOALS = {60: "frames ≥ 99%", 88: "left behind 0"}
STEPS = (
    "opened",
    "waits",
    "made ready",
    "waits for the model",
    "computed",
    "waits",
    "finished, encoded",
    "stored",
    "settled",
)
AFTER_OPENING = (b"open", b"finishing", b"ended")
RATE = 16_000


class Conversation:
    """Runs turns on the workers of `running`, and tells what became of them."""

    def __init__(self, bench: Rig, pids: Sequence[int], slots: int) -> None:
        self._bench = bench
        self._pids = pids
        self._slots = slots
        self._client = Client(bench.redis_url)
        self._run = 0

    def warm_up(self) -> None:
        """Begin a few turns for each slot at once, and wait for their films."""
        turns = [Turn(-1, number / 1000, round(SPEAKS_S)) for number in range(WARMING * self._slots)]
        for job in [self._begin(turn) for turn in turns]:
            job.wait(PATIENCE_S)

    def row(self, people: int, lasts_s: float) -> tuple[list[str], list[Turn]]:
        """A row for so many people, and their turns."""
        self._run += 1
        turns = schedule(people, lasts_s, PERIOD_S, SPEAKS_S)
        before, began_s = self._cpu_s(), time.monotonic()
        self._hold(turns, began_s)
        took_s = time.monotonic() - began_s
        found, busy_s = shares(turns), sum(len(turn.out_s) for turn in turns) * FPS / FRAMES_A_SECOND
        cpus = [(after - first) / took_s for after, first in zip(self._cpu_s(), before, strict=True)]
        cells = [
            f"{people}", f"{100 * found.frames:.2f}%", f"{100 * found.first:.1f}%", f"{100 * found.smooth:.1f}%",
            f"{found.worst_late_s:.2f}", f"{100 * found.unlucky:.0f}%", f"{found.left_behind}",
            f"{busy_s / took_s / self._slots:.2f}", ", ".join(f"{one:.2f}" for one in cpus), GOALS.get(people, ""),
        ]  # fmt: skip
        return cells, turns

    def _hold(self, turns: Sequence[Turn], began_s: float) -> None:
        """Begin each turn at its time, and note what is out; a person speaks again when the last film is whole."""
        coming, open_turns = list(turns), dict[Turn, Job[Any]]()
        speaking: set[int] = set()
        ends_s = began_s + turns[-1].planned_s + PATIENCE_S
        while (coming or open_turns) and (now_s := time.monotonic()) < ends_s:
            due = next((one for one in coming if one.person not in speaking), None)
            if due and due.planned_s <= now_s - began_s:
                coming.remove(due)
                speaking.add(due.person)
                open_turns[due] = self._begin(due)
            elif open_turns:
                self._look(open_turns)
                for turn in [one for one in open_turns if one.whole_s]:
                    del open_turns[turn]
                    speaking.remove(turn.person)
                time.sleep(LOOK_S)
            else:
                time.sleep(LOOK_S)

    def _begin(self, turn: Turn) -> Job[Any]:
        sound = sound_of(turn, self._run)
        turn.began_s = time.monotonic()
        return self._client.submit_video(sound, model=MODEL, face=face_of(turn, self._run))

    def _look(self, open_turns: dict[Turn, Job[Any]]) -> None:
        pipe = self._bench.client.pipeline(transaction=False)
        for job in open_turns.values():
            pipe.hkeys(keys.outcomes(job.id))
            pipe.hmget(keys.job(job.id), "state", "outcome")
        answers, now_s = pipe.execute(), time.monotonic()
        for (turn, job), done, (state, outcome) in zip(open_turns.items(), answers[::2], answers[1::2], strict=True):
            if state in AFTER_OPENING and not turn.opened_s:
                turn.opened_s = now_s
            for part in done:
                turn.out_s.setdefault(int(part) - 1, now_s)
            if state == b"ended":
                turn.whole_s = now_s
                if outcome != b"SUCCESS":
                    job.wait(PATIENCE_S)  # raises what went wrong

    def _cpu_s(self) -> list[float]:
        """CPU seconds of the slots, of the flow worker, and of Redis."""
        flow, *slots = [sum(seconds_of(pid) for pid, _ in family(one)) for one in self._pids]
        redis = self._bench.client.info("cpu")
        return [sum(slots), flow, float(redis["used_cpu_user"]) + float(redis["used_cpu_sys"])]


@contextlib.contextmanager
def running(bench: Rig, slots: int, flow: int, clock: Path | None = None) -> Iterator[Conversation]:
    """So many slots and a flow worker with so many processes, ready, until the block ends."""
    bench.environment["SLOTLINE_CPU_SLOTS"] = str(slots)
    lines = [
        f"[models.{MODEL}]", 'adapter = "rehearsal"', 'gives = "film"', f"seconds_per_frame = {1 / FRAMES_A_SECOND}",
    ]  # fmt: skip
    (bench.folder / "models.toml").write_text("\n".join(lines) + "\n")
    changes, options = {}, []
    if clock:
        changes, options = {film_clock.FILE: str(clock)}, ["--include", "benchmarks.film_clock"]
    with ExitStack() as stack:
        started = [stack.enter_context(bench.process(*WORKER, "-Q", "flow", "-c", str(flow)))]
        for _ in range(slots):
            started.append(stack.enter_context(bench.process(*WORKER, "--model", MODEL, *options, changes=changes)))
        wait_for(lambda: bench.client.zcard(keys.capacity(MODEL)) == slots, "the slots to be ready", every_s=0.1)
        wait_for(lambda: bench.client.exists(keys.capacity("flow")), "the flow worker", every_s=0.1)
        yield Conversation(bench, [one.pid for one in started], slots)


def sound_of(turn: Turn, run: int) -> bytes:
    """A WAV of 4 s of noise that no other turn has."""
    import numpy as np

    random = np.random.default_rng([run, turn.person + 1, round(1000 * turn.planned_s)])
    return encode_wav(random.integers(-8000, 8000, round(SPEAKS_S * RATE), dtype=np.int16), RATE)


def face_of(turn: Turn, run: int) -> str:
    """A face's name that tells the turn, so that no film is taken for another one's."""
    return f"{run}-{turn.person}-{turn.planned_s:.3f}"


def where(turns: Sequence[Turn], run: int, clock: Path) -> list[list[str]]:
    """Where the time of stretches goes: rows for the first ones of turns and for the others, medians in ms."""
    noted = film_clock.read(clock)
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    for turn in turns:
        for stretch, out_s in turn.out_s.items():
            steps = noted.get((face_of(turn, run), stretch * FPS), {})
            if set(steps) == set(film_clock.STEPS):
                found[stretch == 0].append(_between(turn, steps, out_s))
    rows = []
    for is_first, lines in found.items():
        for name, of in (
            ("median", statistics.median),
            ("longest of 20", lambda one: sorted(one)[-(len(one) // 20) - 1]),
        ):
            what = "first stretch" if is_first else "later stretches"
            rows.append([f"{what}, {name}", *(f"{1000 * of(column):.0f}" for column in zip(*lines, strict=True))])
    return rows


def _between(turn: Turn, steps: dict[str, tuple[float, float]], out_s: float) -> list[float]:
    points = [
        turn.began_s, turn.opened_s, *steps["prepare"], *steps["run"], steps["finish"][0], steps["encode"][1],
        steps["store"][1], out_s,
    ]  # fmt: skip
    return [end - begin for begin, end in itertools.pairwise(points)]
