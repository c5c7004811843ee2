"""Which queue and priority a message gets. Pure."""

from __future__ import annotations

FLOW_QUEUE = "flow"
RESERVED_QUEUES = frozenset({FLOW_QUEUE, "celery"})

PRIORITY_STEPS = (0, 3, 6, 9)
"""Celery's Redis priorities: each a list of its own, 0 first (and the default)."""

PRIORITY_SEPARATOR = "\x06\x16"
"""What kombu puts between a queue's name and its priority."""

ALONE, OF_JOB, OF_NESTED_JOB = 0, 3, 6
"""The priority of an input: somebody waits for one that stands alone; a job can wait a moment; a job that is a part of
another, such as a book's chapter, waits its turn."""


def queue_of(model: str) -> str:
    """The queue of a model: its name."""
    return model


def list_key(queue: str, priority: int) -> str:
    """The Redis list of a queue's messages of one priority, rounded down to a step as kombu does."""
    step = max(s for s in PRIORITY_STEPS if s <= priority) if priority > 0 else 0
    return queue if step == 0 else f"{queue}{PRIORITY_SEPARATOR}{step}"


def list_keys(queue: str) -> list[str]:
    """All lists of a queue, the most urgent first."""
    return [list_key(queue, step) for step in PRIORITY_STEPS]
