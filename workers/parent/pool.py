"""The slot's pool, with the methods that Celery's worker calls: start, apply, flush, stop.

It is thin: `dispatcher.py` decides what is sent to the child and when, `losses.py` handles runs that do not end
normally, and `supervisor.py` decides when a child is started. Each call keeps its own callbacks, so each message keeps
its own acknowledgement, result, events and error.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from celery.concurrency.prefork import TaskPool

from tasks.flow.connections import ledger
from tasks.settings import settings
from workers.parent.child_process import ChildPool
from workers.parent.dispatcher import Dispatcher
from workers.parent.failure_streak import FailureStreak
from workers.parent.losses import Losses
from workers.parent.slot_request import Callback, SlotRequest
from workers.parent.supervisor import Supervisor
from workers.upstream.kombu import current_loop
from workers.wire import limits
from workers.wire.call import Call
from workers.wire.child_entry import ChildEntry
from workers.wire.spec import SlotSpec

logger = logging.getLogger(__name__)

STOPS = "the worker stops"


class SlotPool(TaskPool):
    """One child with one model; made for a slot by `for_slot`. Runs on Celery's event loop only."""

    Pool = ChildPool
    uses_semaphore = False
    spec: ClassVar[SlotSpec]
    entry: ClassVar[ChildEntry]

    @classmethod
    def for_slot(cls, spec: SlotSpec, entry: ChildEntry) -> type[SlotPool]:
        """The pool class for this slot, to be used by Celery's worker; its child runs the functions of `entry`."""
        return type(cls.__name__, (cls,), {"spec": spec, "entry": entry, "__module__": cls.__module__})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        spec, chosen = self.spec, settings()
        # Kept here: after a lost connection Celery has no current loop, but this one is used again.
        self.supervisor = Supervisor(spec, current_loop(), self._start_again)
        self.dispatcher = Dispatcher(
            spec,
            self.entry,
            self.supervisor,
            child=lambda: self._pool,
            lost=lambda run, einfo: self.losses.lost(run, einfo),
            over_limit=lambda batch, request: self.losses.over_limit(batch, request),
            max_delay_s=chosen.max_delay_ms / 1000,
        )
        self.losses = Losses(self.dispatcher, self.supervisor, lambda: ledger(self.app), spec.entry.time_limit_s)
        self.failure_streak = FailureStreak()
        self.unload_timeout_s = chosen.unload_timeout_s
        """Seconds until an idle model is unloaded (`workers/duties/idle_unload.py`); 0: never."""
        self.options.update(supervisor=self.supervisor, entry=self.entry)

    def on_start(self) -> None:
        """Fork the child, which begins to load the model."""
        if (size := settings().queue_size) is not None:
            logger.warning("GPU_QUEUE_SIZE=%d is not used: messages wait in Redis; a slot holds two batches", size)
        super().on_start()
        # Celery's pool binds its own methods here.
        self.on_apply = self._join
        self.flush = self.losses.flush
        # Celery calls it for a single request, not for the whole batch; `Losses.terminate` handles that request.
        self.terminate_job = lambda pid, signum=None: None

    def did_start_ok(self) -> bool:
        """Always true: the supervisor counts and reports a child that cannot load."""
        return True

    def register_with_event_loop(self, loop: Any) -> None:
        """Register with the event loop, also again after it was reset."""
        super().register_with_event_loop(loop)
        self.supervisor.listen()

    @property
    def is_ready(self) -> bool:
        """Whether a message that is taken now can be computed; the model may have to be loaded first."""
        return self.dispatcher.is_ready

    @property
    def child_is_alive(self) -> bool:
        """Whether there is a child process; only then are the leases on this worker's messages renewed."""
        return self.dispatcher.child_is_alive

    def kill_child(self) -> None:
        """Kill the child, which is not at fault. Its batch is given back; a new child is started. From any thread."""
        self.losses.kill_child()

    def give_back_running(self) -> None:
        """Kill the child when the worker stops; its batch returns to the front, without an attempt. From any thread."""
        self.losses.give_back_running()

    def _join(
        self,
        target: Any,
        args: Sequence[Any],
        kwargs: Any,
        callback: Callback,
        error_callback: Callback,
        accept_callback: Callback,
        timeout: float | None = None,
        soft_timeout: float | None = None,
        **_: Any,
    ) -> SlotRequest:
        """Celery's `apply_async`: `args` are those of its tracer."""
        call = Call(*args)
        limit = limits.of_request(call.headers, timeout, soft_timeout)
        request = SlotRequest(call, callback, error_callback, accept_callback, limit, self.losses.terminate)
        self.dispatcher.join(request)
        return request

    def _start_again(self) -> None:
        if self._pool is not None and self._state == self.RUN:
            self._pool.maintain_pool()

    def on_close(self) -> None:
        """Warm shutdown begins: the running batch ends, pending requests are given back at once."""
        self.dispatcher.stop(STOPS)
        super().on_close()

    def on_stop(self) -> None:
        """Wait for the running batch; a child without a batch is killed at once, also while it loads."""
        self.dispatcher.stop(STOPS)
        if self._pool is not None and self.dispatcher.batch is None:
            self._pool.kill(is_planned=True)
        super().on_stop()

    def on_terminate(self) -> None:
        """Cold shutdown: the child is killed, and all messages are given back."""
        self.dispatcher.stop(STOPS)
        self.kill_child()
        super().on_terminate()

    def _get_info(self) -> dict[str, Any]:
        info: dict[str, Any] = super()._get_info()
        sizes, busy_since = self.dispatcher.batch_sizes, self.dispatcher.busy_since
        info["slot"] = {
            "model": self.spec.entry.name,
            "device": self.spec.device,
            "state": self.supervisor.state,
            "batch_size": self.spec.batch_size,
            "batches": {**vars(sizes), "mean": round(sizes.mean, 2)},
            "waiting": len(self.dispatcher.pending),
            "busy_s": round(time.monotonic() - busy_since, 3) if busy_since else 0.0,
            "parent": os.getpid(),
        }
        return info
