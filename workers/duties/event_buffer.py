"""Sends task events a few times a second, many in one message: alone, an event costs more than a short job.

A step of Celery's consumer, without a timer of its own while nothing happens. Celery decides
what an event says, its time, and who receives it; Flower receives it up to `HOLD_S` later.
Worker events (heartbeats), and all events while the worker stops, are sent at once. Events
only show what happens: those of a worker that is killed may be lost, as with plain Celery.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

from workers.upstream.celery import gather_events, send_events, stop_gathering_events

HOLD_S = 0.1
AT_MOST = 200
"""Events in one message; that many are sent at once."""


class EventBuffer(bootsteps.StartStopStep):
    """Lets the consumer's event dispatcher gather the events of tasks; again after each connection."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._consumer = consumer
        self._is_due = False

    def include_if(self, consumer: Any) -> bool:
        """Without an event loop Celery gathers nothing."""
        return bool(consumer.hub)

    def start(self, consumer: Any) -> None:
        """Use the dispatcher of the new connection; the timer was cancelled with the lost one."""
        self._is_due = False
        gather_events(consumer, AT_MOST, self._send_soon)

    def stop(self, consumer: Any) -> None:
        """Send what is buffered; from now on Celery sends each event in the loop's next turn.

        Celery keeps what cannot be sent for the next connection.
        """
        stop_gathering_events(consumer)

    def _send_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._consumer.timer.call_after(HOLD_S, self._send)

    def _send(self) -> None:
        self._is_due = False
        send_events(self._consumer)
