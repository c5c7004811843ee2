"""A run, which the slot's child gets as a whole: a batch of requests, or an operation on its model. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.parent.slot_request import SlotRequest
from workers.wire.messages import Operation


@dataclass(eq=False, kw_only=True)
class Run:
    """A batch or an operation that has not ended; `result` is its handle in Celery's pool."""

    requests: Sequence[SlotRequest] = ()
    result: Any = None
    began_at: float | None = None
    """When the child accepted it, by the monotonic clock; None before that."""


@dataclass(eq=False, kw_only=True)
class Batch(Run):
    """Requests that run together, in order."""

    requests: Sequence[SlotRequest]
    cancelled_at: float | None = None
    """When the last of its requests was cancelled, by the monotonic clock; None while one is not."""


@dataclass(eq=False, kw_only=True)
class OperationRun(Run):
    """An operation between two batches; no request runs in this time."""

    operation: Operation
