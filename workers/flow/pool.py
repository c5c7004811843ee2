"""The flow worker's pool: Celery's own prefork pool, in which a task that kills its child each time has an end.

Celery's worker calls it; `losses.py` decides about what was lost. Guarantees: every request ends by Celery's own
callbacks, once; Celery's soft time limit raises nothing inside a job's task, where it could come between the ledger
and the result.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.pool import RUN
from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool

from tasks.flow.connections import ledger
from tasks.flow.job import TooSoon
from tasks.messages.lookup import job_requests
from workers.flow.losses import FlowLosses
from workers.flow.request import Callback, FlowRequest
from workers.upstream.billiard import processes_of
from workers.upstream.celery import keep_until_done
from workers.wire import limits
from workers.wire.call import Call

COLLECT_EVERY_S = 0.02

ROW_S = 60.0
"""Deaths in a row are forgotten when no child has died for so long, and nothing runs."""


class FlowChildren(AsynPool):
    """Celery's pool of processes, which sees a child's death at once, and not up to five seconds later."""

    def _event_process_exit(self, hub: Any, proc: Any) -> None:
        super()._event_process_exit(hub, proc)
        # The child's pipe closes a little before the child can be collected (longer with a core dump).
        if proc in self._pool and self._state == RUN:
            hub.call_later(COLLECT_EVERY_S, self._event_process_exit, hub, proc)


class FlowPool(TaskPool):
    """Celery's pool, which keeps the limits and the attempts of what it runs. Runs on Celery's event loop only."""

    Pool = FlowChildren

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Celery's pool would apply them to jobs in its own way.
        self._own_limits_s = (self.options.pop("timeout", None), self.options.pop("soft_timeout", None))
        self._running: set[FlowRequest] = set()
        self._deaths = 0
        self._died_at = 0.0
        self._losses = FlowLosses(lambda: ledger(self.app), self._died)

    def on_start(self) -> None:
        """Fork the children. The messages of jobs are kept until their step is done, whatever a task's options say."""
        for name in job_requests():
            if (task := self.app.tasks.get(name)) is not None:
                keep_until_done(task)
        super().on_start()
        # Celery's pool has bound its own method here.
        self._submit: Callback = vars(self)["on_apply"]
        self.on_apply = self._apply

    @property
    def deaths(self) -> int:
        """How many children have died in a row without finishing a task."""
        if not self._running and time.monotonic() - self._died_at > ROW_S:
            self._deaths = 0
        return self._deaths

    def kill_child(self) -> None:
        """Kill the children, which are not at fault; what they run is given back, and costs no attempt. Any thread."""
        for request in list(self._running):
            request.is_planned = True
        for process in processes_of(self):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def _get_info(self) -> dict[str, Any]:
        info: dict[str, Any] = super()._get_info()
        hard_s, soft_s = self._own_limits_s
        info["timeouts"] = (soft_s or 0, hard_s or 0)
        return info

    def _apply(
        self,
        target: Any,
        args: Sequence[Any],
        kwargs: Any,
        callback: Callback,
        error_callback: Callback,
        timeout_callback: Callback | None = None,
        timeout: float | None = None,
        soft_timeout: float | None = None,
        **rest: Any,
    ) -> Any:
        """Celery's `apply_async`: `args` are those of its tracer."""
        call = Call(*args)
        job = job_requests().get(call.task)
        request = FlowRequest(call, job.kind if job else None, callback, error_callback)
        hard_s, soft_s = self._own_limits_s
        if job is None:
            kept: dict[str, Any] = {"timeout": timeout or hard_s, "soft_timeout": soft_timeout or soft_s}
            kept["timeout_callback"] = timeout_callback
        else:
            request.limit = self._limit_of(call, timeout, soft_timeout)
            kept = {"timeout": request.limit.seconds if request.limit else None}
        self._running.add(request)
        result = self._submit(
            target,
            args,
            kwargs,
            callback=lambda result: self._ended(request, result),
            error_callback=lambda einfo: self._lost(request, einfo),
            **kept,
            **rest,
        )
        if result is None:  # the pool takes nothing any more
            self._running.discard(request)
        return result

    def _limit_of(self, call: Call, timeout: float | None, soft_timeout: float | None) -> limits.TimeLimit | None:
        """The shorter of the sender's limit (else the task's) and this worker's."""
        found = [
            limits.of_request(call.headers, timeout, soft_timeout),
            limits.shortest(self._own_limits_s, limits.WORKER),
        ]
        return min((one for one in found if one), key=lambda limit: limit.seconds, default=None)

    def _ended(self, request: FlowRequest, result: Any) -> None:
        """The child has an end for the request, a result or an error."""
        self._running.discard(request)
        if not _did_nothing(result):
            self._deaths = 0
        request.callback(result)

    def _lost(self, request: FlowRequest, einfo: ExceptionInfo) -> None:
        self._running.discard(request)
        self._losses.lost(request, einfo)

    def _died(self) -> None:
        self._deaths += 1
        self._died_at = time.monotonic()


def _did_nothing(result: Any) -> bool:
    """Whether a traced request only waits for its pause."""
    failed, value, _ = result
    return bool(failed) and isinstance(getattr(value.exception, "exc", value.exception), TooSoon)
