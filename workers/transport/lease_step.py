"""The step of Celery's consumer that keeps the worker's leases: looks on the event loop, beats in a thread.

The thread has a connection of its own, so that leases live on while Celery waits to
connect again, or while the loop waits for a silent server. It renews nothing for a loop
that hangs. It decides nothing (`renewal.py`), and does not survive a fork.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from typing import Any

from celery import bootsteps
from redis import RedisError

from tasks.settings import beat_s
from workers.transport.leases import Leases, all_of_process, passing_s
from workers.transport.renewal import GRACE_S, Renewal, keys_of
from workers.upstream.billiard import processes_of
from workers.upstream.celery import existing_requests

logger = logging.getLogger(__name__)

HANGS_AFTER_S = 30.0
"""A connected event loop that has not turned for this long, and for a lease, hangs; its work is left to others."""

JOIN_LIMIT_S = 15.0


class LeaseStep(bootsteps.StartStopStep):
    """Consumer bootstep: the beat while the worker lives, and the return of what is left when it ends."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self._consumer = consumer
        self._timers: list[Any] = []
        self._renewals: dict[int, Renewal] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._is_ending = False
        self._is_away = False
        self._looked_at = passing_s()
        super().__init__(consumer, **kwargs)

    def start(self, consumer: Any) -> None:
        """Called for every new connection; the timers of a lost one are cancelled with it."""
        self._cancel(consumer)
        for leases in all_of_process():
            self._renewals.setdefault(id(leases), self._renewal(leases))
            self._timers.append(consumer.timer.call_repeatedly(beat_s(leases.lease_s), self.look))
        # What the lost connection left behind need not wait for a whole beat.
        self._timers.append(consumer.timer.call_after(0, self.look))
        self._timers.append(consumer.timer.call_after(GRACE_S, self.look))
        self._looked_at = passing_s()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
            self._thread.start()

    def stop(self, consumer: Any) -> None:
        """The connection is lost: what has no request any more goes back at once. Or the worker stops.

        What runs stays leased, while Celery connects again and while the pool finishes its work.
        """
        if consumer.blueprint.state == bootsteps.RUN:
            for renewal in self._renewals.values():
                renewal.look(grace_s=0.0)
        self._wake.set()

    def shutdown(self, consumer: Any) -> None:
        """Called last, after the pool has ended."""
        self._cancel(consumer)
        self._is_ending = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(JOIN_LIMIT_S)
        self.finish()

    def finish(self) -> None:
        """Give back all that is in hand; nothing may run any more."""
        for renewal in self._renewals.values():
            try:
                renewal.finish()
            except RedisError as exc:
                logger.warning("what is in hand comes back when its lease ends: %s", exc)

    def look(self) -> None:
        """On the event loop: tell the beat what exists, and that the loop turns."""
        self._looked_at = passing_s()
        for renewal in self._renewals.values():
            renewal.look()
            if renewal.leases.has_unsent:
                self._wake.set()

    def _run(self) -> None:
        every_s = min(beat_s(renewal.leases.lease_s) for renewal in self._renewals.values())
        while not self._is_ending:
            for renewal in self._renewals.values():
                self._beat(renewal)
            self._wake.wait(every_s)
            self._wake.clear()

    def _beat(self, renewal: Renewal) -> None:
        try:
            if self._loop_hangs():
                renewal.fence_if_late()
            else:
                renewal.beat()
        except RedisError as exc:
            if not self._is_away:
                logger.warning("leases cannot be renewed: %s", exc)
            self._is_away = True
        except Exception:  # the thread's boundary; without it leases would end in silence
            logger.exception("a beat of the leases failed")
        else:
            if self._is_away:
                logger.info("leases are renewed again")
            self._is_away = False

    def _loop_hangs(self) -> bool:
        """While it connects or stops, the loop need not turn."""
        consumer = self._consumer
        if consumer.connection is None or consumer.blueprint.state != bootsteps.RUN:
            return False
        leases_s = [renewal.leases.lease_s for renewal in self._renewals.values()]
        return passing_s() - self._looked_at > max(HANGS_AFTER_S, *leases_s)

    def _renewal(self, leases: Leases) -> Renewal:
        consumer = self._consumer
        return Renewal(
            leases,
            existing=lambda: keys_of(existing_requests(consumer)),
            child_is_alive=lambda: bool(getattr(consumer.pool, "child_is_alive", True)),
            kill_child=lambda: kill_children(consumer.pool),
        )

    def _cancel(self, consumer: Any) -> None:
        while self._timers:
            consumer.timer.cancel(self._timers.pop())


def kill_children(pool: Any) -> None:
    """SIGKILL to all processes of a Celery pool, if it has any; from any thread. Their requests are then given back."""
    if own := getattr(pool, "kill_child", None):
        own()
        return
    for process in processes_of(pool):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
