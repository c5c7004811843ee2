"""What the slot's child was given and has not finished: a batch of requests, or an operation on its model. Values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.parent.slot_request import SlotRequest
from workers.wire.child_entry import Operation


@dataclass(eq=False, kw_only=True)
class Run:
    """One of them; `result` is what Celery's pool knows it by."""

    requests: Sequence[SlotRequest] = ()
    result: Any = None
    began_at: float | None = None
    """When the child took it, by the monotonic clock; None while it is on its way."""


@dataclass(eq=False, kw_only=True)
class Batch(Run):
    """Requests that run as one, in order."""

    requests: Sequence[SlotRequest]


@dataclass(eq=False, kw_only=True)
class OperationRun(Run):
    """What the child does between two batches; no request runs meanwhile."""

    operation: Operation
