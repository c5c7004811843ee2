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

from pydantic import Field

from tasks.catalog import ModelEntry
from tasks.errors import ModelError, ModelLoadError, UnknownVoice
from workers.adapters.base import Adapter, Cancelled, Offer, Options, Sound, SpeechInput

SAMPLE_RATE = 22_050
CHARS_PER_S = 15.0

SIGNATURE_SAMPLES = 8

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
    voices: list[str] = Field(default_factory=list)
    """The only voices it accepts; with none named, it accepts every voice."""
    fail_load: bool = False
    faults: bool = False
    journal: str = ""
    """A file, made where it is not there: a line of JSON for each input begun and each done (`what`, `pid`, `ns`
    by CLOCK_MONOTONIC, which all processes of a host share, and `text`, its digest). Lines never mix."""
    signed: bool = False


class Rehearsal(Adapter):
    """Sleeps, and gives silence."""

    version = "1"

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._options = RehearsalOptions.of(entry)

    def load(self) -> Offer:
        """Take `load_seconds`; raises `ModelLoadError` with `fail_load`, or for a default voice that is not listed."""
        time.sleep(self._options.load_seconds)
        if self._options.fail_load:
            raise ModelLoadError(f"{self.entry.place} fail_load is set")
        voices = self._options.voices
        default = self.entry.voice or (voices[0] if voices else None)
        try:
            self.check(SpeechInput("", voice=default))
        except UnknownVoice as exc:
            raise ModelLoadError(f"{self.entry.place} {exc}") from exc
        return Offer(
            revision=(self.entry.revision or "rehearsal") + ("+signed" if self._options.signed else ""),
            sample_rate=SAMPLE_RATE,
            voices=dict.fromkeys(voices, "und"),
            default_voice=default,
        )

    def check(self, item: SpeechInput) -> None:
        """Raise `UnknownVoice` for a voice that `voices` does not list."""
        voices = self._options.voices
        if voices and item.voice is not None and item.voice not in voices:
            raise UnknownVoice(f"voice: the rehearsal has no voice {item.voice!r}; it has: {', '.join(voices)}")

    def run(self, batch: Sequence[SpeechInput]) -> Sequence[Sound | Exception]:
        """Take the batch's time, then give silence for each; `UnknownVoice` or a fault in a failed one's place."""
        self._note("began", batch)
        chars = sum(len(item.text) for item in batch)
        with contextlib.suppress(Cancelled):
            self._spend(self._options.seconds + self._options.seconds_per_char * chars, range(len(batch)))
        outcomes = [self._outcome(index, item) for index, item in enumerate(batch)]
        self._note("ended", batch)
        return outcomes

    def unload(self) -> None:
        """Nothing is held."""

    def _outcome(self, index: int, item: SpeechInput) -> Sound | Exception:
        import numpy as np

        if self.is_cancelled(index):
            return Cancelled()
        try:
            self.check(item)
            if self._options.faults:
                _misbehave(item.text, lambda seconds: self._spend(seconds, [index]))
        except (UnknownVoice, ModelError, Cancelled) as exc:
            return exc
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

    def _note(self, what: str, batch: Sequence[SpeechInput]) -> None:
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
