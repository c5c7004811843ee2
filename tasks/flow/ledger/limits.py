"""How often a part is tried, how long it waits in between, and how long an ended job is kept."""

from __future__ import annotations

from tasks.settings import settings

ATTEMPTS_ALLOWED = 3
"""Attempts of a part, or of a task without a job, after which it fails for good."""


LOSSES_ALLOWED = 6
"""How often a lost message is sent again before a run begins, with pauses that grow; then its job or part fails."""


def ttl_ms() -> int:
    """How long an ended job is kept, in ms."""
    return int(settings().job_ttl_s * 1000)


def retry_ms() -> int:
    """The pause before a part's second run, in ms; each further one is four times as long."""
    return int(settings().retry_s * 1000)


def wait_ms() -> int:
    """How long a message waits at most for an artifact that another worker computes, in ms."""
    return int(settings().lease_s * 2000)


def seconds_of(timeout_s: float | None) -> str:
    """A request's `timeout_s` as the scripts take it; empty for none."""
    return f"{timeout_s:.3f}" if timeout_s else ""
