"""Task events go out a few times a second, together: each on its own costs more than the job that it tells of.

A bootstep of Celery's consumer. What an event says, when it happened, and who sees it
stay Celery's; Flower only hears of it up to `HOLD_S` later. Worker events (heartbeats)
and what happens while the worker stops are sent at once. Events are a view, not the
truth: those of a worker that is killed may be lost, as ever.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

from workers.upstream.celery import gather_events, send_events, stop_gathering_events

HOLD_S = 0.1
AT_MOST = 200
"""Events in one message; that many are sent at once."""


class HeldEvents(bootsteps.StartStopStep):
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
        """Take the dispatcher that was just made; with the lost connection its timer was forgotten, too."""
        self._is_due = False
        gather_events(consumer, AT_MOST, self._send_soon)

    def stop(self, consumer: Any) -> None:
        """Send what is held; what is told from now on goes out in the loop's next turn, as Celery does it.

        What cannot be sent, Celery keeps for the next connection.
        """
        stop_gathering_events(consumer)

    def _send_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._consumer.timer.call_after(HOLD_S, self._send)

    def _send(self) -> None:
        self._is_due = False
        send_events(self._consumer)
