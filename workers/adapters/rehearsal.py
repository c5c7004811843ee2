"""No model: takes the time of one and gives silence of plausible length.

For dry runs, capacity planning, benchmarks and tests of faults. The time is slept, as
work on a GPU leaves the CPU free; a slot of it is busy and costs nothing. The silence is
22,050 Hz, 15 characters a second at speed 1.0, and the same for the same input.

With `faults = true` in the model's table, words in a text make it misbehave, once the
batch's time is over (only then, and only there: they are text to every other model):

    ⚡slow=2.5   takes 2.5 seconds more
    ⚡error      that input fails with `ModelError`
    ⚡memory     the batch raises `MemoryError`, as an array that does not fit would
    ⚡crash      the process dies of SIGSEGV
    ⚡hang       never comes back
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Sequence

from pydantic import Field

from tasks.catalog import ModelEntry
from tasks.errors import ModelError, ModelLoadError, UnknownVoice
from workers.adapters.base import Adapter, Offer, Options, Sound, SpeechInput

SAMPLE_RATE = 22_050
CHARS_PER_S = 15.0

_FAULT = re.compile(r"⚡(?:(slow)=([0-9]+(?:\.[0-9]+)?)|(error|memory|crash|hang)\b)")


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
            revision=self.entry.revision or "rehearsal",
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
        chars = sum(len(item.text) for item in batch)
        time.sleep(self._options.seconds + self._options.seconds_per_char * chars)
        return [self._outcome(item) for item in batch]

    def unload(self) -> None:
        """Nothing is held."""

    def _outcome(self, item: SpeechInput) -> Sound | Exception:
        import numpy as np

        try:
            self.check(item)
            if self._options.faults:
                _misbehave(item.text)
        except (UnknownVoice, ModelError) as exc:
            return exc
        frames = max(1, round(len(item.text) / CHARS_PER_S / item.speed * SAMPLE_RATE))
        return Sound(np.zeros(frames, dtype=np.float32), SAMPLE_RATE)


def _misbehave(text: str) -> None:
    """Do what the fault words in `text` say, in their order."""
    for found in _FAULT.finditer(text):
        match found[1] or found[3]:
            case "slow":
                time.sleep(float(found[2]))
            case "error":
                raise ModelError("text: ⚡error stands in it")
            case "memory":
                raise MemoryError("⚡memory stands in the text")
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "hang":
                while True:
                    time.sleep(3600)
