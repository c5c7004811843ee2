"""How often a registry's models are loaded, when requests ask for all of them in turn over several slots.

    python -m benchmarks.registry [--models 80] [--slots 4] [--rounds 5] [--ms 20] [--load-ms 300] [--only ROW]

Each slot has room for its part of the models (20 of 80), and no slot for more; the model is `rehearsal`. All requests
are sent at once, in turn: each model once, then each again. «Preferred» are requests that say which
model they need, as slotline's own do; «to anybody» are the same without it, as a plain Celery client sends them: so a
slot takes whatever comes next. Both speak. «Stretches» are single stretches of a second of film, in as many faces, that
say which face they need; «films» are jobs of one such stretch, through a flow worker. A load is counted by the slots
themselves. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from celery import Celery
from celery.states import READY_STATES

from benchmarks.rig import Rig, machine, rig, table, wait_for
from producer import Client
from tasks.media.wav import encode_wav
from tasks.messages.variants import HEADER, word_of
from tasks.redis import keys
from tasks.store.names import name_of_bytes

MODEL = "many"
STATUS = "slotline_model_status"
WORKER = ("celery", "-A", "workers", "worker", "--model", MODEL)
FLOW = ("celery", "-A", "workers", "worker", "-Q", "flow", "-c", "1")
ROWS = ("preferred", "to anybody", "stretches", "films")
RATE = 16_000
HEAD = ["models in turn", "loads", "loads a model", "most of one slot", "least of one slot", "seconds", "jobs/s"]


def catalog(bench: Rig, models: int, slots: int, ms: float, load_ms: float, gives: str) -> None:
    """A registry of so many models, of which a slot holds its part; they give `sound` or `film`."""
    for number in range(models):
        (bench.folder / "models" / f"m{number}").mkdir(parents=True, exist_ok=True)
    lines = [
        f"[models.{MODEL}]",
        'adapter = "rehearsal"',
        f'path = "{bench.folder}/models/{{id}}"',
        f"seconds = {ms / 1000}",
        f"load_seconds = {load_ms / 1000}",
        f"max_models = {-(-models // slots)}",
        f'gives = "{gives}"',
        "frame_size = 16",
    ]
    (bench.folder / "models.toml").write_text("\n".join(lines) + "\n")
    bench.environment["SLOTLINE_CPU_SLOTS"] = str(slots)


def stored_sound(bench: Rig) -> str:
    """The artifact of a second of silence, in the bench's store."""
    client = Client(bench.redis_url, bench.environment["SLOTLINE_STORE_URL"])
    data = encode_wav(np.zeros(RATE, np.float32), RATE)
    return client.store.put_bytes(name_of_bytes("sound", "wav", data), data).name


def asked(row: str, number: int, name: str, sound: str) -> tuple[str, dict[str, Any]]:
    """The task of a request, and its fields; each request asks for something else."""
    if row == "stretches":
        fields = {"sounds": [sound], "samples": RATE, "frames": 25, "face": name, "first_background": number}
        return "lipsync.stretch", fields
    if row == "films":
        return "lipsync.video", {"audio": sound, "face": name, "first_background": number}
    return "speech.paragraph", {"text": f"Number {number}, {row}.", "voice": name}


def send(app: Celery, models: int, rounds: int, row: str, sound: str) -> list[str]:
    """Send a request for each model, in turn, so many times; the ids of the tasks."""
    ids = []
    with app.producer_or_acquire() as producer:
        for number in range(models * rounds):
            name = f"m{number % models}"
            task, fields = asked(row, number, name, sound)
            queue = "flow" if row == "films" else MODEL
            headers = {HEADER: word_of(name)} if row in ("preferred", "stretches") else {}
            options = {"queue": queue, "headers": headers, "ignore_result": False, "producer": producer}
            ids.append(app.send_task(task, kwargs={"model": MODEL, **fields}, **options).id)
    return ids


def loads(app: Celery, slots: int) -> list[int]:
    """How many models each slot has loaded so far."""
    replies = app.control.broadcast(STATUS, reply=True, timeout=5, pattern=f"{MODEL}*", matcher="glob") or []
    found = [answer["registry"]["misses"] for reply in replies for answer in reply.values()]
    if len(found) != slots:
        raise RuntimeError(f"{len(found)} of {slots} slots answered")
    return found


def are_final(stored: Sequence[bytes | str | None]) -> bool:
    """Whether all these results of Celery's are those of ended tasks; that of an open job says PROGRESS."""
    return all(one is not None and json.loads(one)["status"] in READY_STATES for one in stored)


def in_turn(bench: Rig, given: argparse.Namespace, row: str) -> tuple[list[int], float]:
    """The loads of each slot, and the seconds from the first request to the last result."""
    app = Celery("sender", broker=bench.redis_url, backend=bench.redis_url, set_as_current=False)
    with ExitStack() as stack:
        stack.callback(app.close)
        for _ in range(given.slots):
            stack.enter_context(bench.process(*WORKER))
        sound = "" if row in ROWS[:2] else stored_sound(bench)
        if row == "films":
            stack.enter_context(bench.process(*FLOW))
        capacity = keys.capacity(MODEL)
        wait_for(lambda: bench.client.zcard(capacity) == given.slots, "the slots to be ready", every_s=0.05)
        began = time.monotonic()
        results = [keys.RESULT_PREFIX + one for one in send(app, given.models, given.rounds, row, sound)]
        ended = wait_for(lambda: are_final(bench.client.mget(results)), "the last job", 600, every_s=0.05)
        return loads(app, given.slots), ended - began


def rows(bench: Rig, given: argparse.Namespace) -> Iterator[Sequence[str]]:
    """One row for each way to send."""
    for name in [given.only] if given.only else ROWS:
        bench.client.flushall()
        catalog(bench, given.models, given.slots, given.ms, given.load_ms, "sound" if name in ROWS[:2] else "film")
        counts, took_s = in_turn(bench, given, name)
        total, jobs = sum(counts), given.models * given.rounds
        yield (
            name, f"{total}", f"{total / given.models:.2f}", f"{max(counts)}", f"{min(counts)}", f"{took_s:.1f}",
            f"{jobs / took_s:.1f}",
        )  # fmt: skip


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=80)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5, help="how often each model is asked for")
    parser.add_argument("--ms", type=float, default=20, help="of a job")
    parser.add_argument("--load-ms", type=float, default=300, help="of a load")
    parser.add_argument("--only", choices=ROWS, help="this row alone")
    given = parser.parse_args()
    with rig() as bench:
        what = f"{given.models} models in turn, {given.rounds} times, over {given.slots} slots"
        print(f"## registry: {what}; {given.ms:g} ms a job, {given.load_ms:g} ms a load\n")
        print(f"{machine(bench.client, ['celery', 'kombu', 'redis'])}\n")
        print(table(HEAD, list(rows(bench, given))))
        print()


if __name__ == "__main__":
    main()
