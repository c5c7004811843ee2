"""A chapter read by Kokoro: two slots against a bare loop in two processes, and against one instance behind a server.

    python -m benchmarks.kokoro [--model FOLDER] [--pairs 5] [--parts N] [--slots 2] [--only NAME…]

All speak the English example chapter with the int8 model on this machine's CPU, the same pieces in each. The bare
loop is ONNX Runtime alone: each process takes the next piece when it has spoken one, and its tokens are ready before.
It has as many processes as slotline has slots, with the same threads. The server is LitServe with one instance on all
cores; the parts are its requests, all sent at once. Each is started, warm, then timed from the first request to the
whole sound, in turn, several rounds; a round has a store of its own. Prints a Markdown table, and each reading as it
ends to the standard error.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import generate_clock, kokoro_clock
from benchmarks.bare_kokoro import SAMPLE_RATE, VOICE, bare_processes
from benchmarks.batching import answers, free_port
from benchmarks.cpu_clock import family
from benchmarks.kokoro_slots import MODEL, pulled_model, running, write_catalog
from benchmarks.kokoro_texts import Phonemes, chapter_of
from benchmarks.pairs import Spread, in_turn, ratios
from benchmarks.process_memory import Memory, memory_of
from benchmarks.rig import Rig, line, machine, rig, table, wait_for
from producer import Client
from tasks.redis import keys

LIMIT_S = 1800.0
MB = 1024 * 1024
LOOK_EVERY_S = 0.05
"""Rarely enough to take nothing from the model: a look costs Redis and this process 0.2 ms."""
OURS, BARE, SERVER = "slotline", "bare loop", "LitServe, one instance"
GOALS = {BARE: "≥ 0.97"}


@dataclass(frozen=True)
class Chapter:
    """What is read: the parts, their phonemes in a file, the model's folder, how many slots and threads a slot."""

    folder: Path
    text: str
    parts: Sequence[str]
    pieces: Path
    slots: int
    threads: int


@dataclass(frozen=True)
class Reading:
    """One reading: seconds to the whole and to the first piece, seconds of sound, memory at the end."""

    whole_s: float
    first_s: float
    sound_s: float
    memory: Memory
    share: float | None = None
    """Of the time, in the model; by its own clock."""


def by_slotline(bench: Rig, chapter: Chapter, number: int) -> Reading:
    """Real workers: from the call that submits the chapter to its result, with the sound joined in the store."""
    store = str(bench.folder / f"store-{number}")
    bench.client.flushall()
    generate_clock.forget()
    include = ("--include", "benchmarks.kokoro_clock")
    with running(bench, chapter.slots, *include, changes={"SLOTLINE_STORE_URL": store}) as workers:
        client = Client(bench.redis_url, store)
        began_s = time.monotonic()
        job = client.submit_chapter(chapter.text, model=MODEL, voice=VOICE)
        done = partial(bench.client.hget, keys.job(job.id), "done")
        first_s = wait_for(lambda: int(done() or 0), "the first part", LIMIT_S, LOOK_EVERY_S) - began_s
        result = job.wait(LIMIT_S)
        whole_s = time.monotonic() - began_s
        pids = [pid for one in workers for pid, _ in family(one.pid)]
        memory = memory_of([*pids, int(bench.client.info("server")["process_id"])])
    return Reading(whole_s, first_s, result.duration_s, memory, kokoro_clock.share(chapter.slots))


def by_bare(_: Rig, chapter: Chapter, __: int) -> Reading:
    """As many processes as slots; each is given the next piece when it has spoken one."""
    left = iter(range(len(json.loads(chapter.pieces.read_text()))))
    lock = threading.Lock()

    def next_piece() -> int | None:
        with lock:
            return next(left, None)

    with bare_processes(chapter.slots, chapter.folder, chapter.pieces, chapter.threads) as processes:
        began_s = time.monotonic()
        with ThreadPoolExecutor(len(processes)) as pool:
            spoken = pool.map(lambda one: [one.speak(piece) for piece in iter(next_piece, None)], processes)
            calls = list(itertools.chain.from_iterable(spoken))
        memory = memory_of(one.pid for one in processes)
    ends_s = [call.ended_s for call in calls]
    spent_s = sum(call.ended_s - call.began_s for call in calls)
    whole_s, sound_s = max(ends_s) - began_s, sum(call.samples for call in calls) / SAMPLE_RATE
    return Reading(whole_s, min(ends_s) - began_s, sound_s, memory, spent_s / chapter.slots / whole_s)


def by_server(bench: Rig, chapter: Chapter, _: int) -> Reading:
    """LitServe, on all cores; from the first request to the last answer."""
    url, threads = f"http://127.0.0.1:{free_port()}", chapter.slots * chapter.threads
    command = ("benchmarks.kokoro_litserve", str(chapter.folder), url.rsplit(":", 1)[1], str(threads))

    def ask(text: str) -> tuple[int, float]:
        request = urllib.request.Request(f"{url}/predict", json.dumps({"text": text}).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return len(answer.read()), time.monotonic()

    with bench.process(*command, leaves_others=True) as server:
        wait_for(lambda: answers(f"{url}/health"), "LitServe to be ready", every_s=0.1)
        began_s = time.monotonic()
        with ThreadPoolExecutor(len(chapter.parts)) as clients:
            told = list(clients.map(ask, chapter.parts))
        memory = memory_of(pid for pid, _ in family(server.pid))
    ends_s = [ended_s for _, ended_s in told]
    sound_s = sum(size - 44 for size, _ in told) / 2 / SAMPLE_RATE
    return Reading(max(ends_s) - began_s, min(ends_s) - began_s, sound_s, memory)


Measure = Callable[[Rig, Chapter, int], Reading]

SYSTEMS: dict[str, Measure] = {OURS: by_slotline, BARE: by_bare, SERVER: by_server}
HEAD = [
    "the chapter",
    "s to the whole",
    "÷ slotline's",
    "s to the first piece",
    "÷ slotline's",
    "share of the time in the model",
    "memory, MB: PSS, RSS",
    "sound, s",
    "goal",
]


def rows(bench: Rig, chapter: Chapter, names: Sequence[str], rounds: int) -> Iterator[list[str]]:
    """A row a system."""

    def measured(name: str, number: int) -> Reading:
        reading = SYSTEMS[name](bench, chapter, number)
        told = f"round {number + 1}: {name}: {reading.whole_s:.1f} s, the first piece after {reading.first_s:.2f} s"
        print(told, file=sys.stderr, flush=True)
        return reading

    found = in_turn({name: partial(measured, name) for name in names}, rounds)
    ours = found[OURS]
    for name, readings in found.items():
        shares = [one.share for one in readings if one.share is not None]
        megabytes = (
            Spread(tuple(bytes_ / MB for bytes_ in figures)).text(0)
            for figures in zip(*((one.memory.pss_bytes, one.memory.rss_bytes) for one in readings), strict=True)
        )
        yield [
            name,
            Spread(tuple(one.whole_s for one in readings)).text(1),
            "" if name == OURS else ratios([one.whole_s for one in readings], [one.whole_s for one in ours]).text(3),
            Spread(tuple(one.first_s for one in readings)).text(2),
            "" if name == OURS else ratios([one.first_s for one in readings], [one.first_s for one in ours]).text(2),
            Spread(tuple(shares)).text(3) if shares else "",
            ", ".join(megabytes),
            Spread(tuple(one.sound_s for one in readings)).text(1),
            GOALS.get(name, ""),
        ]


def chapter_for(bench: Rig, folder: Path, at_most: int, slots: int) -> Chapter:
    """The chapter, its phonemes in a file, and the catalog with the model."""
    text, parts = chapter_of(at_most)
    vocabulary = json.loads((folder / "config.json").read_text())["vocab"]
    pieces = bench.folder / "pieces.json"
    pieces.write_text(json.dumps(Phonemes(vocabulary).of_all(parts)))
    threads = max(1, len(os.sched_getaffinity(0)) // slots)
    write_catalog(bench, folder, voice=VOICE, threads=threads)
    return Chapter(folder, text, parts, pieces, slots, threads)


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="its folder; by default the pulled one")
    parser.add_argument("--pairs", type=int, default=5, help="how many rounds")
    parser.add_argument("--parts", type=int, default=0, help="only so many of the chapter's parts")
    parser.add_argument("--slots", type=int, default=2, help="and processes of the bare loop")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="NAME")
    asked = parser.parse_args()
    folder = asked.model or pulled_model()
    with rig() as bench:
        os.environ[generate_clock.FILE] = str(bench.folder / "clock")
        chapter = chapter_for(bench, folder.resolve(), asked.parts, asked.slots)
        facts = machine(bench.client, ["celery", "onnxruntime", "misaki", "litserve"])
        what = f"{len(chapter.parts)} parts, {chapter.slots} slots of {chapter.threads} threads"
        print(f"## kokoro: {what}, {asked.pairs} rounds in turn\n\n{facts}\n")
        print(table(HEAD, []))
        for row in rows(bench, chapter, list(dict.fromkeys([OURS, *asked.only])), asked.pairs):
            print(line(row), flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
