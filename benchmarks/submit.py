"""How long a chapter of 10,000 paragraphs takes to submit, and how much of Redis it fills, against a Celery chord.

    python -m benchmarks.submit [--paragraphs N]

Both ask for the same paragraphs, of the same Redis, in the same run, with no slot at
work: «at rest». For slotline that is after a flow worker has opened the job, when the
ledger holds every paragraph. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from celery import Celery, chord

from benchmarks.rig import ROOT, Rig, machine, rig, table, wait_for

TEXTS = {"English": ROOT / "examples" / "chapter-en.txt", "Vietnamese": ROOT / "examples" / "chi-pheo.txt"}
LONGEST = 200
SHORTEST = 40


@dataclass(frozen=True)
class Figures:
    """What one way of submitting came to; `ready_s` is None where there is no further step."""

    submit_s: float
    ready_s: float | None
    used_bytes: int
    keys_bytes: int


def paragraphs(path: Path, count: int) -> list[str]:
    """`count` numbered paragraphs, none like another, of the sentences of a text."""
    sentences = re.split(r"(?<=[.!?])\s+", " ".join(path.read_text(encoding="utf-8").split()))
    fitting = [one for one in sentences if SHORTEST <= len(one) <= LONGEST]
    return [f"{number}. {fitting[number % len(fitting)]}" for number in range(1, count + 1)]


def by_slotline(bench: Rig, texts: list[str]) -> Figures:
    """One job through `producer.Client`, opened by a flow worker."""
    from producer import Client

    bench.client.flushall()
    client = Client(bench.redis_url)
    with bench.process("celery", "-A", "workers", "worker", "-Q", "flow", "-c", "1"):
        # The worker must be there first, or its start would count as time to open.
        wait_for(lambda: bench.client.exists("_kombu.binding.flow"), "the flow worker to consume", every_s=0.05)
        before = bench.used_bytes()
        began = time.monotonic()
        job = client.submit_chapter("\n\n".join(texts), model="rehearsal")
        submitted = time.monotonic()

        def opened() -> bool:
            record = client.ledger.queries.record(job.id)
            return record is not None and record.state == "open"

        ready = wait_for(opened, "the job to be opened")
        used, keys = bench.used_bytes() - before, bench.keys_bytes()
        record = client.ledger.queries.record(job.id)
        if record is None or record.total != len(texts):
            raise RuntimeError(f"{len(texts)} paragraphs became {record.total if record else 'no'} parts")
    return Figures(submitted - began, ready - began, used, keys)


def by_chord(bench: Rig, texts: list[str]) -> Figures:
    """A chord of the same paragraphs, through Celery as it comes.

    In a process of its own, so that «at rest» holds none of its 10,000 subscriptions.
    """
    bench.client.flushall()
    before = bench.used_bytes()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        submit_s = pool.submit(send_chord, bench.redis_url, texts).result()
    return Figures(submit_s, None, bench.used_bytes() - before, bench.keys_bytes())


def send_chord(redis_url: str, texts: list[str]) -> float:
    """Seconds that the chord takes to submit."""
    app = Celery("chord", broker=redis_url, backend=redis_url, set_as_current=False)
    headers = [
        app.signature("speech.paragraph", kwargs={"text": text, "model": "rehearsal"}, queue="rehearsal")
        for text in texts
    ]
    body = app.signature("speech.joined", queue="flow")
    app.connection_for_write().ensure_connection()
    began = time.monotonic()
    chord(headers, body, app=app).apply_async()
    return time.monotonic() - began


def rows(bench: Rig, count: int) -> Iterator[list[str]]:
    """Two rows a language: the chord, and slotline."""
    for language, path in TEXTS.items():
        texts = paragraphs(path, count)
        size = sum(len(text.encode()) for text in texts)
        the_chord, ours = by_chord(bench, texts), by_slotline(bench, texts)
        for name, one in (("Celery chord", the_chord), ("slotline", ours)):
            yield [
                f"{name}, {language}",
                f"{one.submit_s:.3f}",
                f"{the_chord.submit_s / one.submit_s:.0f}×",
                "–" if one.ready_s is None else f"{one.ready_s:.2f}",
                f"{size / count:.0f}",
                f"{one.used_bytes / count:.0f}",
                f"{one.keys_bytes / count:.0f}",
                f"{max(one.used_bytes, one.keys_bytes) / size:.2f}",
            ]


HEAD = [
    "one job",
    "submit, s",
    "faster",
    "opened after, s",
    "text, bytes per paragraph",
    "Redis, bytes per paragraph (used_memory)",
    "the same (MEMORY USAGE)",
    "Redis bytes per byte of text (the larger)",
]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paragraphs", type=int, default=10_000)
    count = parser.parse_args().paragraphs
    with rig() as bench:
        print(f"## submit: one job of {count:,} paragraphs\n\n{machine(bench.client, ['celery', 'kombu', 'redis'])}\n")
        print(table(HEAD, list(rows(bench, count))))
        print("\nGoals: 50 times faster, at most 1.2 bytes in Redis per byte of text.\n")


if __name__ == "__main__":
    main()
