"""No model: takes the time of one and gives silence of plausible length.

For dry runs, capacity planning, benchmarks and tests of faults. The time is slept, as
work on a GPU leaves the CPU free; a slot of it is busy and costs nothing, and a cancelled
input is stopped within a twentieth of a second (but for ⚡hang). The silence is 22,050 Hz,
15 characters a second at speed 1.0, and the same for the same input.

With `faults = true` in the model's table, words in a text make it misbehave, once the
batch's time is over (only then, and only there: they are text to every other model):

    ⚡slow=2.5   takes 2.5 seconds more
    ⚡error      that input fails with `ModelError`
    ⚡memory     the batch raises `MemoryError`, as an array that does not fit would
    ⚡hog=512    takes 512 MiB of memory, really, and gives it back
    ⚡crash      the process dies of SIGSEGV
    ⚡killed     the process dies of SIGKILL, as by the kernel's memory killer
    ⚡hang       never comes back

With `gives = "text"` it writes instead: the first words of a text, as many as `max_length`
says (20 where it says nothing), of at most `reads_tokens` words that it reads.

For a table of many models (`{id}` in its path) `pretended_bytes` is what each takes; of the file or folder at its
path it reads nothing but, with `faults = true`, a file `fault` of such words: that model's load then does as they say.

Two options serve tests that count: `journal` names a file in which every input leaves a
line when it is begun and when it is done, and `signed = true` lets each silence open with
a few samples that belong to its text alone, so that the pieces of a joined file are known.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from tasks.catalog import ModelEntry
from tasks.errors import ModelError, ModelLoadError, UnknownVoice
from tasks.messages import ParagraphRequest, SummaryPartRequest
from workers.adapters.base import Adapter, Cancelled, Offer, Options
from workers.adapters.outputs import Sound, Written

SAMPLE_RATE = 22_050
CHARS_PER_S = 15.0

SIGNATURE_SAMPLES = 8

CHARS_PER_TOKEN = 6.0
"""Of an English text, where a word is a token, with the space behind it."""
SUMMARY_TOKENS = 20

STEP_S = 0.05
"""Longest sleep in which a cancelling is not heard."""

_FAULT = re.compile(r"⚡(?:(slow|hog)=([0-9]+(?:\.[0-9]+)?)|(error|memory|crash|killed|hang)\b)")
_MIB = 1024 * 1024


class RehearsalOptions(Options):
    """What `[models.NAME]` may say beside the common keys."""

    seconds: float = Field(0.0, ge=0)
    """A batch takes this long, whatever is in it."""
    seconds_per_char: float = Field(0.0, ge=0)
    load_seconds: float = Field(0.0, ge=0)
    unload_seconds: float = Field(0.0, ge=0)
    pretended_bytes: int = Field(0, ge=0)
    """What it says that a loaded model takes of memory; it takes none."""
    voices: list[str] = Field(default_factory=list)
    """The only voices it accepts; with none named, it accepts every voice."""
    gives: Literal["sound", "text"] = "sound"
    """What an input becomes: silence, or its own first words."""
    reads_tokens: int = Field(256, ge=1)
    """With `gives = "text"`: words of a text that are read; the rest is cut."""
    fail_load: bool = False
    faults: bool = False
    journal: str = ""
    """A file, made where it is not there: a line of JSON for each input begun and each done (`what`, `pid`, `ns`
    by CLOCK_MONOTONIC, which all processes of a host share, and `text`, its digest). Lines never mix."""
    signed: bool = False
    memory_items: int = Field(0, ge=0)
    """More inputs than this at once raise `MemoryError`; 0: any number fits."""


class Rehearsal(Adapter[ParagraphRequest | SummaryPartRequest, Sound | Written]):
    """Sleeps, and gives silence, or what it read."""

    version = "1"

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._options = RehearsalOptions.of(entry)

    @property
    def craft(self) -> str:
        """By what it gives."""
        return "summary" if self._options.gives == "text" else "speech"

    def load(self) -> Offer:
        """Take `load_seconds`; raises `ModelLoadError` with `fail_load`, or for a default voice that is not listed."""
        time.sleep(self._options.load_seconds)
        fault = Path(self.entry.path, "fault") if self.entry.path and self._options.faults else None
        if fault is not None and fault.is_file():
            _misbehave(fault.read_text(encoding="utf-8"), time.sleep)
        if self._options.fail_load:
            raise ModelLoadError(f"{self.entry.place} fail_load is set")
        voices = self._options.voices
        default = self.entry.voice or (voices[0] if voices else None)
        try:
            self._check_voice(default)
        except UnknownVoice as exc:
            raise ModelLoadError(f"{self.entry.place} {exc}") from exc
        revision = self.entry.revision or "rehearsal"
        if self._options.gives == "text":
            per_token = {"en": CHARS_PER_TOKEN, "vi": CHARS_PER_TOKEN / 2}
            return Offer(f"{revision}+text", 0, reads_tokens=self._options.reads_tokens, chars_per_token=per_token)
        return Offer(
            revision=revision + ("+signed" if self._options.signed else ""),
            sample_rate=SAMPLE_RATE,
            voices=dict.fromkeys(voices, "und"),
            default_voice=default,
        )

    def check(self, item: ParagraphRequest | SummaryPartRequest) -> None:
        """Raise `UnknownVoice` for a voice that `voices` does not list."""
        if isinstance(item, ParagraphRequest):
            self._check_voice(item.voice)

    def run(self, batch: Sequence[ParagraphRequest | SummaryPartRequest]) -> Sequence[Sound | Written | Exception]:
        """Take the batch's time, then give silence (or words) for each, or why it failed: `UnknownVoice`, a fault."""
        self._note("began", batch)
        if 0 < self._options.memory_items < len(batch):
            raise MemoryError(f"{len(batch)} inputs; memory_items is {self._options.memory_items}")
        chars = sum(len(item.text) for item in batch)
        with contextlib.suppress(Cancelled):
            self._spend(self._options.seconds + self._options.seconds_per_char * chars, range(len(batch)))
        outcomes = [self._outcome(index, item) for index, item in enumerate(batch)]
        self._note("ended", batch)
        return outcomes

    def memory_bytes(self) -> int:
        """What `pretended_bytes` says."""
        return self._options.pretended_bytes

    def unload(self) -> None:
        """Take `unload_seconds`; nothing is held."""
        time.sleep(self._options.unload_seconds)

    def _check_voice(self, voice: str | None) -> None:
        voices = self._options.voices
        if voices and voice is not None and voice not in voices:
            raise UnknownVoice(f"voice: the rehearsal has no voice {voice!r}; it has: {', '.join(voices)}")

    def _outcome(self, index: int, item: ParagraphRequest | SummaryPartRequest) -> Sound | Written | Exception:
        if self.is_cancelled(index):
            return Cancelled()
        try:
            self.check(item)
            if self._options.faults:
                _misbehave(item.text, lambda seconds: self._spend(seconds, [index]))
        except (UnknownVoice, ModelError, Cancelled) as exc:
            return exc
        return self._words(item) if isinstance(item, SummaryPartRequest) else self._silence(item)

    def _words(self, item: SummaryPartRequest) -> Written:
        words = item.text.split()
        read = words[: self._options.reads_tokens]
        return Written(" ".join(read[: item.max_length or SUMMARY_TOKENS]), len(read), len(read) < len(words))

    def _silence(self, item: ParagraphRequest) -> Sound:
        import numpy as np

        frames = max(SIGNATURE_SAMPLES, round(len(item.text) / CHARS_PER_S / item.speed * SAMPLE_RATE))
        samples = np.zeros(frames, dtype=np.float32)
        if self._options.signed:
            samples[:SIGNATURE_SAMPLES] = signature(item.text)
        return Sound(samples, SAMPLE_RATE)

    def _spend(self, seconds: float, indices: Sequence[int]) -> None:
        """Let time pass; raises `Cancelled` as soon as nobody wants these inputs any more."""
        ends_s = time.monotonic() + seconds
        while (left_s := ends_s - time.monotonic()) > 0:
            if all(map(self.is_cancelled, indices)):
                raise Cancelled
            time.sleep(min(left_s, STEP_S))

    def _note(self, what: str, batch: Sequence[ParagraphRequest | SummaryPartRequest]) -> None:
        """A line an input to the journal, all in one write that other processes' lines cannot cut."""
        if not self._options.journal:
            return
        said = {"what": what, "pid": os.getpid(), "ns": time.monotonic_ns()}
        lines = "".join(json.dumps({**said, "text": digest(item.text)}) + "\n" for item in batch)
        file = os.open(self._options.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, lines.encode())
        finally:
            os.close(file)


def digest(text: str) -> str:
    """What the journal calls a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def signature(text: str) -> list[float]:
    """The samples that open a signed silence: none of them zero, and another text has others."""
    return [(byte + 1) / 512 for byte in hashlib.sha256(text.encode()).digest()[:SIGNATURE_SAMPLES]]


def _misbehave(text: str, spend: Callable[[float], None]) -> None:
    """Do what the fault words in `text` say, in their order; `spend` lets seconds pass."""
    for found in _FAULT.finditer(text):
        match found[1] or found[3]:
            case "slow":
                spend(float(found[2]))
            case "error":
                raise ModelError("text: ⚡error stands in it")
            case "memory":
                raise MemoryError("⚡memory stands in the text")
            case "hog":
                # Written to, so that it is really taken and not only promised.
                b"\1" * int(float(found[2]) * _MIB)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                while True:
                    time.sleep(3600)
