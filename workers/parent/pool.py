"""The slot's pool, with the methods that Celery's worker calls: start, apply, flush, stop.

It is thin: `dispatcher.py` decides what is handed over and when, `pipeline/answers.py` hears how it ended,
`losses.py` handles what does not end normally, `pipeline/watch.py` keeps the time limits, and `supervisor.py` decides
when a child is started. Each call keeps its own callbacks, so each message keeps its own acknowledgement, result,
events and error.
"""

from __future__ import annotations

import logging
import math
import os
import select
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
from workers.parent.pipeline.answers import Answers
from workers.parent.pipeline.flight import Flight
from workers.parent.pipeline.hand_over import HandOver, depth_of
from workers.parent.pipeline.watch import Limits, Watch
from workers.parent.slot_request import Callback, SlotRequest
from workers.parent.supervisor import Supervisor
from workers.upstream.celery import is_cold_shutdown
from workers.upstream.kombu import current_loop
from workers.wire import limits
from workers.wire.call import Call
from workers.wire.child_entry import ChildEntry
from workers.wire.spec import SlotSpec

logger = logging.getLogger(__name__)

STOPS = "the worker stops"

DRAIN_LOOKS_EVERY_S = 0.05
COLD_S = 2.0
"""How long a cold shutdown waits for the deaths of child and sidecar."""


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
        is_pipelined = chosen.pipeline
        self.flight = Flight(self.supervisor.loop, lambda: self._pool)
        self.hand_over = HandOver(spec.batch_size, is_fixed=not is_pipelined)
        self.dispatcher = Dispatcher(
            spec, self.supervisor, self.flight, self.hand_over, depth_of(is_pipelined), chosen.max_delay_ms / 1000
        )
        self.losses = Losses(self.dispatcher, self.flight, self.supervisor, lambda: ledger(self.app))
        self.answers = Answers(self.flight, self.dispatcher, self.losses, self.supervisor, self.hand_over)
        run_named = f"time_limit_s = {spec.entry.time_limit_s:g}"
        limits_of_watch = Limits(spec.limit_s, run_named, chosen.stage_limit_s, chosen.cancel_grace_s)
        self.watch = Watch(self.flight, self.dispatcher, self.losses, self.supervisor, self.hand_over, limits_of_watch)
        self.failure_streak = FailureStreak()
        self.idle_timeout = spec.idle_timeout
        """After how much time an idle model is unloaded (`workers/duties/idle_unload.py`)."""
        self.options.update(supervisor=self.supervisor, entry=self.entry, flight=self.flight, drain=self._drain)

    def on_start(self) -> None:
        """Fork the child, which begins to load the model."""
        if (size := settings().queue_size) is not None:
            logger.warning("GPU_QUEUE_SIZE=%d is not used: messages wait in Redis; a slot holds a few batches", size)
        super().on_start()
        # Celery's pool binds its own methods here.
        self.on_apply = self._join
        self.flush = self.losses.flush
        # Celery calls it for a single request, not for a whole run; `Losses.terminate` handles that request.
        self.terminate_job = lambda pid, signum=None: None

    def did_start_ok(self) -> bool:
        """Always true: the supervisor counts and reports a child that cannot load."""
        return True

    def register_with_event_loop(self, loop: Any) -> None:
        """Register with the event loop, also again after it was reset."""
        super().register_with_event_loop(loop)
        self.supervisor.listen()
        self.flight.listen()
        self.watch.listen()

    @property
    def is_ready(self) -> bool:
        """Whether a message that is taken now can be computed; the model may have to be loaded first."""
        return self.dispatcher.is_ready

    @property
    def child_is_alive(self) -> bool:
        """Whether there is a child, or a sidecar; only then are the leases on this worker's messages renewed."""
        return self.flight.is_alive

    @property
    def holds_at_most(self) -> int:
        """How many messages this worker may hold now: those in flight, and what is handed over next."""
        return (self.dispatcher.depth + 1) * self.hand_over.number

    def kill_child(self) -> None:
        """Kill child and sidecar, which are not at fault; what they run is given back. From any thread."""
        self.losses.kill_child()

    def give_back_running(self) -> None:
        """The same when the worker stops: no attempt is counted. From any thread."""
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
        """Warm shutdown begins: what has begun ends, the rest is given back at once."""
        self.dispatcher.stop(STOPS)
        super().on_close()

    def on_stop(self) -> None:
        """Wait for what is in flight; a child that computes nothing is killed at once, also while it loads.

        Celery's cold shutdown calls it as well, after it has cancelled what it knows to have begun.
        """
        self.dispatcher.stop(STOPS)
        if is_cold_shutdown():
            self.give_back_running()
        super().on_stop()

    def on_terminate(self) -> None:
        """Cold shutdown: child and sidecar are killed, and all messages are given back."""
        self.dispatcher.stop(STOPS)
        self.give_back_running()
        self._drain(COLD_S)
        super().on_terminate()

    def _drain(self, limit_s: float = math.inf) -> None:
        """Wait until nothing is in flight, in place of the event loop, which turns no more."""
        self.watch.stop()
        deadline = time.monotonic() + limit_s
        while self.flight.is_busy and time.monotonic() < deadline:
            poller = select.poll()
            for pipeline in self.flight.pipelines:
                if not pipeline.is_closed:
                    poller.register(pipeline.fileno(), select.POLLIN)
            poller.poll(DRAIN_LOOKS_EVERY_S * 1000)
            self.supervisor.catch_up()
            self.flight.hear_all()
            self.watch.look()
            if self._pool is not None:
                self._pool.collect()

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
            "in_flight": self.dispatcher.in_flight,
            "hand_over": self.hand_over.number,
            "busy_s": round(time.monotonic() - busy_since, 3) if busy_since else 0.0,
            "parent": os.getpid(),
        }
        return info
