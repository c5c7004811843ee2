"""How the model's outcome reaches a part's task, inside one slot's child process.

The child computes a whole batch before Celery traces each request of it; each outcome
waits here, under its request's id, for the task's body to take it. So no task imports a
worker, and results, events and callbacks stay as Celery makes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks import errors
from tasks.errors import SlotlineError
from tasks.store.names import Artifact


@dataclass(frozen=True)
class Done:
    """The artifact is there; `computed` tells whether this run made it; `attempt` is 0 where no run was counted."""

    artifact: Artifact
    computed: bool
    attempt: int = 0


@dataclass(frozen=True)
class Failed:
    """It cannot be made from this input, or not now (`error.retryable`); `attempt` is 0 where no run was counted."""

    error: SlotlineError
    attempt: int


def as_slotline_error(error: BaseException) -> SlotlineError:
    """Any failure of a part in the one error tree, its own words kept."""
    if isinstance(error, SlotlineError):
        return error
    if isinstance(error, MemoryError):
        return errors.OutOfMemory(f"memory ran out: {error}" if str(error) else "memory ran out")
    return errors.ModelError(f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class Dropped:
    """Nothing is to be done: the job or the part has ended already."""


@dataclass(frozen=True)
class Waiting:
    """It must wait: the run of another message computes the same artifact, or its own last run began a moment ago.

    A copy of the message is sent then.
    """


Outcome = Done | Failed | Dropped | Waiting

_waiting: dict[str, list[Outcome]] = {}
"""In order: a message that came twice is two requests of the same id in one batch."""


def put(task_id: str, outcome: Outcome) -> None:
    """Leave a request's outcome for its task's body."""
    _waiting.setdefault(task_id, []).append(outcome)


def take(task_id: str) -> Outcome | None:
    """The outcome left for this request, removed; None where no model ran (no slot's child)."""
    left = _waiting.get(task_id)
    return left.pop(0) if left else None


def clear() -> None:
    """Forget what no body took (its request was revoked between the model and the trace)."""
    _waiting.clear()
