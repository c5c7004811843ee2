"""The queues and priorities of messages. Pure."""

from __future__ import annotations

FLOW_QUEUE = "flow"
DEFAULT_QUEUE = "celery"
"""Where Celery sends a task whose sender names no queue."""
RESERVED_QUEUES = frozenset({FLOW_QUEUE, DEFAULT_QUEUE})

PRIORITY_STEPS = (0, 3, 6, 9)
"""Celery's priorities on Redis: each has its own list; 0 is the first and the default."""

PRIORITY_SEPARATOR = "\x06\x16"
"""The separator that kombu puts between a queue's name and its priority."""

ALONE, OF_JOB, OF_NESTED_JOB = 0, 3, 6
"""The priority of an input: a person may wait for a single one; a job may wait a little; a job that is part of another
job, such as a chapter of a book, may wait longer."""


def queue_of(model: str) -> str:
    """The queue of a model has the model's name."""
    return model


def list_key(queue: str, priority: int) -> str:
    """The Redis list for one priority of a queue; the priority is rounded down to a step, as kombu does."""
    step = max(s for s in PRIORITY_STEPS if s <= priority) if priority > 0 else 0
    return queue if step == 0 else f"{queue}{PRIORITY_SEPARATOR}{step}"


def priority_of(queue_list: str) -> int:
    """The priority of the messages in a queue's list."""
    step = queue_list.partition(PRIORITY_SEPARATOR)[2]
    return int(step) if step else 0


def list_keys(queue: str) -> list[str]:
    """All lists of a queue, in order of priority."""
    return [list_key(queue, step) for step in PRIORITY_STEPS]
