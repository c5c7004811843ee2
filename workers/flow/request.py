"""One request that runs in a flow worker's child: its call, Celery's callbacks for it, its limit. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasks.errors import InvalidInput
from tasks.flow.payloads import part_of
from workers.upstream.billiard import exception_info
from workers.wire.call import Call
from workers.wire.limits import TimeLimit

Callback = Callable[..., Any]


@dataclass(eq=False)
class FlowRequest:
    """A request. `kind` is that of its job, None for a task that is no job's own; `limit` is the pool's to keep."""

    call: Call
    kind: str | None
    callback: Callback
    error_callback: Callback
    limit: TimeLimit | None = None
    is_planned: bool = False
    """Its process is ended by its own worker: the run costs no attempt."""

    @property
    def parent(self) -> tuple[str, int] | None:
        """The job and part that the request's job is; None if it is none, or its fields cannot be read."""
        try:
            return part_of(self.call.kwargs())
        except InvalidInput:
            return None

    def succeed(self, result: Any) -> None:
        """Celery's own end of a request that has a result."""
        self.callback((0, result, 0.0))

    def fail(self, error: BaseException) -> None:
        """Celery's own end of a request that did not end normally: it records, answers, acknowledges or gives back."""
        self.error_callback(exception_info(error))
