"""Formats durations for people. Pure."""

from __future__ import annotations


def duration(seconds: float | None) -> str:
    """`42 s`, `3:07 min`, `1:02 h`; `–` for None."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def exact_duration(seconds: float) -> str:
    """As `duration`, with a tenth of a second below a minute: `4.2 s`."""
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
