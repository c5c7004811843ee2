"""Requests as an adapter gets them, also such as no producer could send; their sounds; and a run of requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.errors import SlotlineError
from tasks.media.wav import encode_wav
from tasks.messages import ParagraphRequest, StretchRequest, SummaryPartRequest
from tasks.messages.lipsync import FPS, SOUND_RATE
from workers.adapters.base import AnyAdapter


def to_speak(text: str, voice: str | None = None, speed: float = 1.0) -> ParagraphRequest:
    """A text to be spoken; it may be empty."""
    return ParagraphRequest.trusted({"model": "any", "text": text, "voice": voice, "speed": speed})


def to_summarise(text: str, max_length: int | None = None, min_length: int | None = None) -> SummaryPartRequest:
    """A text to be summarised; it may be empty."""
    fields = {"model": "any", "text": text, "max_length": max_length, "min_length": min_length}
    return SummaryPartRequest.trusted(fields)


def to_show(sound: str) -> StretchRequest:
    """A film of that sound, which has a frame for each letter of its name."""
    samples = len(sound) * SOUND_RATE // FPS
    fields = {"model": "any", "sounds": [sound], "samples": samples, "frames": len(sound)}
    return StretchRequest.parse(fields)


def read_sound(sound: str) -> bytes:
    """The artifact of that name: noise. One named «broken» is no sound."""
    import numpy as np

    if sound == "broken":
        return b"no sound"
    samples = len(sound) * SOUND_RATE // FPS
    return encode_wav(np.random.default_rng(samples).integers(-9000, 9000, samples, dtype=np.int16), SOUND_RATE)


def run(adapter: AnyAdapter, items: Sequence[Any]) -> list[Any]:
    """One outcome per request, as a slot gives them: what `prepare` refuses never reaches the model."""
    ready: dict[int, Any] = {}
    outcomes: dict[int, Any] = {}
    for index, item in enumerate(items):
        try:
            ready[index] = adapter.prepare(item)
        except SlotlineError as exc:
            outcomes[index] = exc
    outcomes.update(zip(ready, adapter.run(list(ready.values())), strict=True))
    return [outcomes[index] for index in range(len(items))]
