"""The step of Celery's consumer that looks after the worker's leases: on the event loop, and in a thread.

The loop knows which requests exist; the thread renews. It has a connection of its own, so
that leases live on while Celery waits to connect again, or while the loop waits for a
server that does not answer. It renews nothing for a loop that hangs, and hangs up: the loop may wait
for an answer that never comes, and then connects again. This decides nothing (`renewal.py` does),
and does not survive a fork.
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

from tasks.redis.refusals import words
from tasks.settings import beat_s
from workers.transport.leases import Leases, all_leases_of_process, steady_s
from workers.transport.renewal import GRACE_S, Renewal, message_keys_of
from workers.upstream.billiard import processes_of
from workers.upstream.celery import existing_requests
from workers.upstream.redis_sockets import hang_up

logger = logging.getLogger(__name__)

HANGS_AFTER_S = 30.0
"""A connected event loop hangs when it has not turned for this long, and for a lease; others then take its messages."""

JOIN_LIMIT_S = 15.0


class LeaseStep(bootsteps.StartStopStep):
    """Consumer bootstep: renews while the worker lives, and gives back what is left when it ends."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self._consumer = consumer
        self._timers: list[Any] = []
        self._renewals: dict[int, Renewal] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._is_ending = False
        self._is_away = False
        self._looked_at = steady_s()
        self._hung_up_at = float("-inf")
        super().__init__(consumer, **kwargs)

    def start(self, consumer: Any) -> None:
        """Called for every new connection; the timers of a lost one are cancelled with it."""
        self._cancel(consumer)
        for leases in all_leases_of_process():
            self._renewals.setdefault(id(leases), self._renewal(leases))
            self._timers.append(consumer.timer.call_repeatedly(beat_s(leases.lease_s), self.look))
        # What the lost connection left behind is looked for at once.
        self._timers.append(consumer.timer.call_after(0, self.look))
        self._timers.append(consumer.timer.call_after(GRACE_S, self.look))
        self._looked_at = steady_s()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
            self._thread.start()

    def stop(self, consumer: Any) -> None:
        """The connection is lost: messages that have no request any more go back at once. Or the worker stops.

        Those that run stay leased, while Celery connects again and while the pool finishes its work.
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
        """Give back all messages that are held; nothing may run any more."""
        for renewal in self._renewals.values():
            try:
                renewal.finish()
            except RedisError as exc:
                logger.warning("messages that this worker holds come back when their lease ends: %s", words(exc))

    def look(self) -> None:
        """On the event loop: note which requests exist, and that the loop turns."""
        self._looked_at = steady_s()
        for renewal in self._renewals.values():
            renewal.look()
            if renewal.leases.has_unsent:
                self._wake.set()

    def _run(self) -> None:
        every_s = min(beat_s(renewal.leases.lease_s) for renewal in self._renewals.values())
        while not self._is_ending:
            for renewal in self._renewals.values():
                self._renew(renewal)
            self._wake.wait(every_s)
            self._wake.clear()

    def _renew(self, renewal: Renewal) -> None:
        try:
            if self._loop_hangs():
                renewal.fence_if_late()
                self._hang_up()
            else:
                renewal.renew()
        except RedisError as exc:
            if not self._is_away:
                logger.warning("leases cannot be renewed: %s", words(exc))
            self._is_away = True
        except Exception:  # the thread's boundary; without it the leases would end unnoticed
            logger.exception("a renewal of the leases failed")
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
        return steady_s() - self._looked_at > max(HANGS_AFTER_S, *leases_s)

    def _hang_up(self) -> None:
        """Not more often than a loop may take to connect again."""
        now = steady_s()
        if now - self._hung_up_at > HANGS_AFTER_S:
            self._hung_up_at = now
            logger.error("the event loop hangs since %.0f s: it has to connect again", now - self._looked_at)
            hang_up()

    def _renewal(self, leases: Leases) -> Renewal:
        consumer = self._consumer
        return Renewal(
            leases,
            existing=lambda: message_keys_of(existing_requests(consumer)),
            child_is_alive=lambda: bool(getattr(consumer.pool, "child_is_alive", True)),
            kill_child=lambda: kill_processes(consumer.pool),
        )

    def _cancel(self, consumer: Any) -> None:
        while self._timers:
            consumer.timer.cancel(self._timers.pop())


def kill_processes(pool: Any) -> None:
    """SIGKILL to all processes of a Celery pool, if it has any; from any thread. Their requests are then given back."""
    if own := getattr(pool, "kill_child", None):
        own()
        return
    for process in processes_of(pool):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
