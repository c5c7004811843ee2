"""Outcomes: how a request ended in a slot's child, and how its task's body gets this.

The child computes a whole batch before Celery traces each request. Each outcome is kept
here under the id of its request, until the task's body takes it. So no task imports a
worker, and Celery itself makes results, events and callbacks.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks import errors
from tasks.errors import SlotlineError
from tasks.store.names import Artifact
from tasks.terminal.printable import shortened

MOST_WORDS = 1000
"""An error says at most so many characters; a library's own may be a page, or the whole input."""


@dataclass(frozen=True)
class Done:
    """The artifact exists; `computed`: this run made it; `attempt` is 0 if no attempt was counted."""

    artifact: Artifact
    computed: bool
    attempt: int = 0


@dataclass(frozen=True)
class Failed:
    """The input failed, for good or for now (`error.retryable`); `attempt` is 0 if no attempt was counted."""

    error: SlotlineError
    attempt: int


def as_slotline_error(error: BaseException) -> SlotlineError:
    """Any error of a part as a `SlotlineError` with the same message, in one printable line of bounded length."""
    words = words_of(error)
    if isinstance(error, SlotlineError):
        return error if words == _said(error) else _reworded(error, words)
    if isinstance(error, MemoryError):
        return errors.OutOfMemory(f"memory ran out: {words}" if words else "memory ran out")
    name = type(error).__name__
    return errors.ModelError(shortened(f"{name}: {words}", MOST_WORDS) if words else name)


def words_of(error: BaseException) -> str:
    """What the error says, in one printable line of bounded length. Raises nothing."""
    # Cut first, so that no line is made of a gigabyte of which a thousand letters are shown.
    return shortened(_said(error)[: 2 * MOST_WORDS], MOST_WORDS)


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # foreign code may make its words when it is asked for them
        return "it cannot say what is wrong"


def _reworded(error: SlotlineError, words: str) -> SlotlineError:
    """The error with these words: of slotline's own class that is nearest, because only these surely take a message
    alone; it is tried again if the error itself would be."""
    nearest = next(one for one in type(error).__mro__ if one.__module__ == errors.__name__)
    made: SlotlineError = nearest(words)
    made.retryable = error.retryable
    return made


@dataclass(frozen=True)
class Dropped:
    """There is nothing to do: the job or the part has ended already."""


@dataclass(frozen=True)
class Waiting:
    """It must wait: the run of another message computes the same artifact, or its own last run began a moment ago.

    A copy of the message is sent then.
    """


Outcome = Done | Failed | Dropped | Waiting

_waiting: dict[str, list[Outcome]] = {}
"""Lists, because a message that was delivered twice is two requests with the same id in one batch."""


def put(task_id: str, outcome: Outcome) -> None:
    """Leave a request's outcome for its task's body."""
    _waiting.setdefault(task_id, []).append(outcome)


def take(task_id: str) -> Outcome | None:
    """Remove and return this request's outcome; None if no model ran (the process is not a slot's child)."""
    left = _waiting.get(task_id)
    return left.pop(0) if left else None


def clear() -> None:
    """Drop outcomes that no task took, because the request was revoked between the model and the trace."""
    _waiting.clear()
