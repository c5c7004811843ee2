"""Kokoro as the second subject of `benchmarks.batching`: texts of a few words through one slot, on one CPU thread.

A text is a task, and a request of its own. The model speaks one text after the other, so a batch saves what a message
costs, not what the model does. Held against the bare model alone (`benchmarks/bare_kokoro.py`).
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import random_bart
from benchmarks.bare_kokoro import VOICE, bare_processes
from benchmarks.kokoro_slots import MODEL, WORKER, pulled_model, write_catalog
from benchmarks.kokoro_texts import Phonemes
from benchmarks.rig import Rig
from benchmarks.task_pace import Case, Pace, Subject, drained, sent

BATCH = 8
WORDS = 8
TASK = "speech.paragraph"
BARE = "bare model"
CASES = (
    Case(f"Kokoro, batches of {BATCH}", BATCH, (BARE,), "share ≥ 0.97", one_in=4),
    Case("Kokoro, one by one", 1, (BARE,), one_in=4),
)


def sentences(count: int, first: int) -> Sequence[str]:
    """`count` of a few words, from number `first` on."""
    return random_bart.texts(count, first, WORDS)


def by_slotline(folder: Path, bench: Rig, wanted: Sequence[str], batch: int) -> Pace:
    """A slot of slotline's own, which stores each sound."""
    write_catalog(bench, folder, voice=VOICE, threads=1, batch_size=batch)
    results = sent(bench, TASK, MODEL, wanted, model=MODEL)
    with bench.process(*WORKER, "--model", MODEL, "--include", "benchmarks.kokoro_clock"):
        return drained(bench, results, batch)


def by_itself(folder: Path, phonemes: Phonemes, bench: Rig, wanted: Sequence[str], batch: int) -> Pace:
    """The bare model, text by text; its phonemes are ready before the clock starts."""
    spoken = [phonemes.of(text) for text in wanted]
    pieces = bench.folder / "pieces.json"
    pieces.write_text(json.dumps([piece for one in spoken for piece in one]))
    with bare_processes(1, folder, pieces, threads=1) as (bare,):
        numbers = iter(range(sum(map(len, spoken))))
        texts_s = []
        for one in spoken:
            calls = [bare.speak(next(numbers)) for _ in one]
            texts_s.append(calls[-1].ended_s - calls[0].began_s)
    batches_s = [sum(texts_s[at : at + batch]) for at in range(batch, len(texts_s), batch)]
    return Pace(batch / statistics.mean(batches_s), batch / statistics.median(batches_s), 1.0)


@contextmanager
def kokoro(bench: Rig, asked: argparse.Namespace) -> Iterator[Subject]:
    """The subject."""
    folder = asked.kokoro or pulled_model()
    phonemes = Phonemes(json.loads((folder / "config.json").read_text())["vocab"])
    systems = {"slotline": partial(by_slotline, folder), BARE: partial(by_itself, folder, phonemes)}
    yield Subject(sentences, systems, CASES)
