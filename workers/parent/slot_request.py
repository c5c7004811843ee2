"""One request that waits for the slot or runs in it: the call, and Celery's callbacks for it.

Decides nothing. Guarantee: an error of one request's callback affects neither the other
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
from workers.wire.limits import TimeLimit

logger = logging.getLogger(__name__)

Callback = Callable[..., Any]


@dataclass(eq=False)
class SlotRequest:
    """One call that is pending or in flight. Celery's request has a weak reference to it, and calls `terminate`."""

    call: Call
    callback: Callback
    error_callback: Callback
    accept_callback: Callback
    limit: TimeLimit | None
    """Its own time limit, which its sender or its task has set; it runs alone then."""
    on_terminate: Callable[[SlotRequest], None]
    signal: int | None = None
    is_cancelled: bool = False
    """It was cancelled: it is not given back when its child dies."""
    is_over_limit: bool = False
    """Its own time limit is over: it fails when its child dies."""
    told_at: float = 0.0
    """When its child was told of either, by the monotonic clock."""
    joined_at: float = 0.0
    """When it arrived, by the monotonic clock."""
    runs_alone: bool = False
    """It must run in a batch of its own."""
    is_accepted: bool = False
    """Whether Celery was told that it has begun."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids by which it may be cancelled: its task's id, and its job's id if it is a part."""
        try:
            job = self.call.kwargs().get("job")
        except SlotlineError:  # the body cannot be read
            job = None
        return (self.call.task_id, job) if isinstance(job, str) else (self.call.task_id,)

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a job."""
        return len(self.ids) > 1

    def terminate(self, signum: int) -> None:
        """Celery revokes the request for good."""
        self.signal = signum
        self.on_terminate(self)

    def revoked(self) -> bool:
        """Whether the request was revoked or has expired; if so Celery has recorded and acknowledged it.

        If Celery cannot record this now, the message is given back, and the request counts as revoked here.
        """
        try:
            return check_revoked(self.accept_callback)
        except Exception as exc:  # the other requests of the same batch must not be lost
            logger.warning("%s was revoked, which cannot be recorded now; it is given back: %s", self.call.task_id, exc)
            self.fail(Reject(str(exc), requeue=True))
            return True

    @property
    def was_revoked(self) -> bool:
        """Whether Celery has recorded and acknowledged it as revoked; this can happen while it runs."""
        return is_recorded_as_revoked(self.accept_callback)

    def accept(self, pid: int, accepted: float) -> None:
        """The child (`pid`) has begun it, at a time of the monotonic clock. Celery gets this only once."""
        if not self.is_accepted:
            self.is_accepted = True
            _call(self.accept_callback, pid, accepted)

    def succeed(self, result: TraceResult) -> None:
        """Pass the tracer's result to Celery."""
        _call(self.callback, result)

    def fail(self, error: BaseException) -> None:
        """Pass an error to Celery: the request did not end normally."""
        _call(self.error_callback, exception_info(error))


def _call(callback: Callback, *args: Any) -> None:
    """Call a request's callback; its errors are logged only."""
    try:
        callback(*args)
    except Exception:
        logger.exception("a request's %s failed", getattr(callback, "__name__", "callback"))
