"""Requests as an adapter gets them, also such as no producer could send."""

from __future__ import annotations

from tasks.messages import ParagraphRequest, SummaryPartRequest


def to_speak(text: str, voice: str | None = None, speed: float = 1.0) -> ParagraphRequest:
    """A text to be spoken; it may be empty."""
    return ParagraphRequest.trusted({"model": "any", "text": text, "voice": voice, "speed": speed})


def to_summarise(text: str, max_length: int | None = None, min_length: int | None = None) -> SummaryPartRequest:
    """A text to be summarised; it may be empty."""
    fields = {"model": "any", "text": text, "max_length": max_length, "min_length": min_length}
    return SummaryPartRequest.trusted(fields)
