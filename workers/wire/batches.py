"""What a slot worker's parent and its sidecar say to each other: batches of requests, and how each request ended.

They travel as frames (`frames.py`), because requests and results are Celery's own values. The states of the model,
its operations and its status go between parent and child (`messages.py`). A batch has a number, which counts up for
each sidecar; a call is the index of a request in its batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.store.names import JSON
from workers.wire.call import Call, NotRun, TraceResult


@dataclass(frozen=True)
class RunBatch:
    """Requests to run; with `is_alone` nothing else is in the pipeline, before it and after it, until it has ended."""

    number: int
    calls: Sequence[Call]
    is_alone: bool = False


@dataclass(frozen=True)
class CancelCalls:
    """These calls of a batch are cancelled. `over_limit` names the time limit of the sender's that is over for them."""

    number: int
    calls: Sequence[int]
    over_limit: str = ""


@dataclass(frozen=True)
class Recall:
    """Give back what has not begun: each such call is answered `NotBegun`, and then `Recalled` with this number."""

    number: int


@dataclass(frozen=True)
class CallsEnded:
    """How calls of a batch ended, by their indices; each call is answered once. `computed_s` is the model's time."""

    number: int
    results: Sequence[tuple[int, TraceResult | NotRun]]
    computed_s: float = 0.0
    computed: int = 0
    """How many inputs the model computed in that time."""


@dataclass(frozen=True)
class Recalled:
    """The answer to `Recall`: all that came back was answered before."""

    number: int


@dataclass(frozen=True)
class ModelRan:
    """How the model did in what ended: the ids of tasks on which it failed, and whether any artifact was made."""

    failed: Sequence[str]
    worked: bool


@dataclass(frozen=True)
class AskStats:
    """Asks for `AdapterStats` with this number; answered at once, whatever else the sidecar does."""

    number: int


@dataclass(frozen=True)
class AdapterStats:
    """What the sidecar's adapters count of their own work, by variant (None: the slot's one model), as JSON.

    Models whose adapter counts nothing are left out.
    """

    number: int
    found: Mapping[str | None, Mapping[str, JSON]]


ToSidecar = RunBatch | CancelCalls | Recall | AskStats
FromSidecar = CallsEnded | Recalled | ModelRan | AdapterStats
