"""Celery's tracer, in a process of its pool: it runs one request, and makes its result, events' fields and log lines.

Decides nothing. In a slot's child the model has run before the trace, so the tracer's clock can begin earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from celery import states
from celery.app.task import Context
from celery.app.trace import TraceInfo, build_tracer, fast_trace_task
from celery.concurrency.prefork import process_initializer

if TYPE_CHECKING:
    from billiard.einfo import ExceptionInfo
    from celery import Celery


def begin_child(app: Celery, hostname: str) -> None:
    """Make this forked process a process of Celery's pool: signals, logging, tasks, `worker_process_init`.

    Its tracer takes the time from `TracerClock`.
    """
    process_initializer(app, hostname)
    for name, task in app.tasks.items():
        task.__trace__ = build_tracer(name, task, app.loader, hostname, app=app, monotonic=_clock)


class TracerClock:
    """The clock of Celery's tracer, which reads it first when a trace begins: that may be before the trace itself."""

    def __init__(self) -> None:
        self._before_s = 0.0

    def begin(self, before_s: float) -> None:
        """The next trace began so many seconds ago."""
        self._before_s = before_s

    def __call__(self) -> float:
        """The monotonic clock; once after `begin`, its time at that beginning."""
        before_s, self._before_s = self._before_s, 0.0
        return monotonic() - before_s


_clock = TracerClock()


def trace(
    task: str,
    task_id: str,
    headers: Mapping[str, Any],
    body: Any,
    content_type: str,
    content_encoding: str,
    before_s: float = 0.0,
) -> tuple[int, Any, float | None]:
    """Run one request as Celery's pool does: failed (0 or 1), its result or `ExceptionInfo`, seconds of a success.

    The run began `before_s` seconds ago, when the model got it. Raises what the tracer lets through: `Reject`, and
    what ends a process.
    """
    _clock.begin(before_s)
    traced: Any = fast_trace_task(task, task_id, headers, body, content_type, content_encoding)
    failed, value, took_s = traced
    return failed, value, took_s


def record_failure(app: Celery, task: str, headers: Mapping[str, Any], error: Exception) -> ExceptionInfo:
    """Store and report a failure that Celery's tracer raised, as it does with other failures."""
    context = Context({**headers, "called_directly": False, "is_eager": False})
    try:
        raise error
    except Exception as raised:
        info: ExceptionInfo = TraceInfo(states.FAILURE, raised).handle_error_state(app.tasks[task], context)
        return info
