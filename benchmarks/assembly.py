"""How long a chapter takes after its last part, against `cat` of the same files.

    python -m benchmarks.assembly [--parts N] [--kb KB] [--pairs N]

The parts' sounds lie in the store, and a real flow worker has opened the job; no model runs. The benchmark settles
all parts. The time is measured from the last settle until Celery has the chapter's result. `cat` writes the files of
the same parts to one file, in the same folder, in turn with the chapters. Prints a Markdown table. With the defaults
it needs 8 GB of disk, and measures a file system's cache unless memory is smaller than that.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.rig import Rig, machine, rig, table, wait_for
from tasks.media.wav import encode_wav
from tasks.store.artifacts import Artifact, Store, name_of

RATE = 22_050
LIMIT_S = 600.0
GOAL_TIMES = 1.5
GOAL_MS = 0.15


@dataclass(frozen=True)
class Pair:
    """One run of each, in seconds."""

    cat_s: float
    chapter_s: float


def sounds(store: Store, count: int, size: int) -> list[Artifact]:
    """So many different sounds of about `size` bytes, put into the store."""
    samples = np.random.default_rng(1).integers(-9999, 9999, size // 2, dtype=np.int16)
    made = []
    for number in range(count):
        samples[0], samples[1] = number % 30_000, number // 30_000
        name = name_of("speech", "wav", {"assembly": number})
        details = {"sample_rate": RATE, "frames": len(samples)}
        made.append(store.put_bytes(name, encode_wav(samples, RATE), details))
    return made


def by_cat(folder: Path, paths: Sequence[Path]) -> float:
    """Seconds that `cat` takes to write all files to one."""
    target = folder / "cat.wav"
    began = time.monotonic()
    with target.open("wb") as out:
        names = "\0".join(map(str, paths)).encode()
        subprocess.run(["xargs", "-0", "cat"], input=names, stdout=out, check=True)
    took = time.monotonic() - began
    target.unlink()
    return took


def by_slotline(bench: Rig, store: Store, made: Sequence[Artifact]) -> float:
    """Seconds from the last settle of a chapter until its result is there."""
    from producer import Client  # reads the settings, which the rig has set
    from tasks.kinds.speech import audio_of, length_of

    client = Client(bench.redis_url)
    text = "\n\n".join(f"Paragraph {number}." for number in range(1, len(made) + 1))
    job = client.submit_chapter(text, model="rehearsal")

    def opened() -> bool:
        record = client.ledger.queries.record(job.id)
        return record is not None and record.state == "open"

    wait_for(opened, "the job to be opened", LIMIT_S)
    for part, artifact in enumerate(made, 1):
        sound = audio_of(artifact)
        last = time.monotonic()
        client.ledger.transitions.settle(
            job.id, part, "done", {"audio": sound.fields()}, 1, length_of(sound.duration_s)
        )
    ended = wait_for(lambda: job.status() not in ("PENDING", "PROGRESS"), "the chapter's end", LIMIT_S)
    audio = job.wait(LIMIT_S).audio
    if audio is None or audio.frames < sum(one.details["frames"] for one in made):
        raise RuntimeError(f"the chapter has not the sound of its parts: {audio}")
    store.delete(audio.artifact)  # else the next chapter would be found
    bench.client.delete("rehearsal")
    return ended - last


def pairs(bench: Rig, count: int, size: int, rounds: int) -> list[Pair]:
    """Both in turn, so many times; one more of each before, which is not measured."""
    store = Store(bench.environment["SLOTLINE_STORE_URL"])
    made = sounds(store, count, size)
    paths = [Path(store.place, one.name) for one in made]
    with bench.process("celery", "-A", "workers", "worker", "-Q", "flow", "-c", "1"):
        wait_for(lambda: bench.client.exists("_kombu.binding.flow"), "the flow worker to consume", every_s=0.05)
        found = []
        for _ in range(rounds + 1):
            cat_s = by_cat(bench.folder, paths)
            found.append(Pair(cat_s, by_slotline(bench, store, made)))
            os.sync()  # what one has left to be written to the disk is not the other's
    return found[1:]


HEAD = ["after the last part", "`cat`, s", "the chapter, s", "times `cat`", "ms a part beyond 1.5 × `cat`", "goal, s"]


def row(found: Sequence[Pair], count: int, size: int) -> list[str]:
    """The medians."""
    cat_s = statistics.median(one.cat_s for one in found)
    chapter_s = statistics.median(one.chapter_s for one in found)
    times = statistics.median(one.chapter_s / one.cat_s for one in found)
    beyond_ms = statistics.median(1000 * (one.chapter_s - GOAL_TIMES * one.cat_s) / count for one in found)
    goal_s = GOAL_TIMES * cat_s + GOAL_MS * count / 1000
    return [
        f"{count:,} parts of {size // 1000} KB",
        f"{cat_s:.2f}",
        f"{chapter_s:.2f}",
        f"{times:.1f}",
        f"{beyond_ms:.3f}",
        f"{goal_s:.2f}",
    ]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=30_000)
    parser.add_argument("--kb", type=int, default=70)
    parser.add_argument("--pairs", type=int, default=5)
    chosen = parser.parse_args()
    with rig() as bench:
        print(f"## assembly: one chapter\n\n{machine(bench.client, ['celery', 'kombu', 'redis'])}\n")
        found = pairs(bench, chosen.parts, chosen.kb * 1000, chosen.pairs)
        print(table(HEAD, [row(found, chosen.parts, chosen.kb * 1000)]))
        print("\nGoals: 1.5 times `cat` and 0.15 ms a part; 30,000 parts in 9 s.\n")


if __name__ == "__main__":
    main()
