"""One request that waits for the slot or runs in it: the call, with the callbacks that Celery gave for it.

Decides nothing. Guarantee: whatever one request's callback raises costs neither the other
requests nor the worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from celery.exceptions import Reject

from tasks.errors import SlotlineError
from workers.upstream.billiard import exception_info
from workers.upstream.celery import check_revoked, is_recorded_as_revoked
from workers.wire.call import Call, TraceResult

logger = logging.getLogger(__name__)

Callback = Callable[..., Any]


@dataclass(eq=False)
class SlotRequest:
    """One call that waits or is in a batch. Celery's request holds it weakly, and calls `terminate`."""

    call: Call
    callback: Callback
    error_callback: Callback
    accept_callback: Callback
    timeout_s: float | None
    on_terminate: Callable[[SlotRequest], None]
    signal: int | None = None
    is_cancelled: bool = False
    """Nobody wants its result: it is not given back when its child dies."""
    joined_at: float = 0.0
    """When it came, by the monotonic clock."""
    runs_alone: bool = False
    """It must share no batch."""
    _is_accepted: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """By which ids it may be cancelled: its task's, and its job's where it is a part of one."""
        try:
            job = self.call.kwargs().get("job")
        except SlotlineError:  # a body that no task can read
            job = None
        return (self.call.task_id, job) if isinstance(job, str) else (self.call.task_id,)

    def terminate(self, signum: int) -> None:
        """Celery revokes the request for good."""
        self.signal = signum
        self.on_terminate(self)

    def revoked(self) -> bool:
        """Whether the request was revoked or has expired; if so Celery has recorded and acknowledged it.

        When that cannot be recorded now, the request goes back to its queue, and counts as revoked here.
        """
        try:
            return check_revoked(self.accept_callback)
        except Exception as exc:  # others were taken out together with it, and must not be lost
            logger.warning("that %s was revoked cannot be recorded, it goes back: %s", self.call.task_id, exc)
            self.fail(Reject(str(exc), requeue=True))
            return True

    @property
    def was_revoked(self) -> bool:
        """Whether Celery has recorded and acknowledged it as revoked, which it may do while it runs."""
        return is_recorded_as_revoked(self.accept_callback)

    def accept(self, pid: int, accepted: float) -> None:
        """The child has it; `accepted` by the monotonic clock. Passed on once, though it may be handed over twice."""
        if not self._is_accepted:
            self._is_accepted = True
            _call(self.accept_callback, pid, accepted)

    def succeed(self, result: TraceResult) -> None:
        """Hand over what the tracer gave."""
        _call(self.callback, result)

    def fail(self, error: BaseException) -> None:
        """It was not run to its end."""
        _call(self.error_callback, exception_info(error))


def _call(callback: Callback, *args: Any) -> None:
    """One request's callback must cost neither the others nor the worker."""
    try:
        callback(*args)
    except Exception:
        logger.exception("a request's %s failed", getattr(callback, "__name__", "callback"))
