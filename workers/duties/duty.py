"""The shape of a duty. A periodic one has start, step and stop: a test calls `step` and never waits for a timer.

A duty is a step of Celery's consumer, and a periodic one has a timer on the worker's event
loop. Celery starts it again for every new connection. A step that fails is logged, and the
next one comes in its time: no fault of a duty ends the loop. A duty does not know the others.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from celery import bootsteps
from redis import RedisError

from tasks.redis.refusals import words
from workers.parent.pool import SlotPool


class ConsumerDuty(bootsteps.StartStopStep):
    """A duty without a timer: it takes part in each start of the consumer, after the consumer has its queues."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    slot_workers_only: ClassVar[bool] = False
    """Flow workers have no model, and leave out the duties that look after one."""

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self.consumer = consumer
        super().__init__(consumer, **kwargs)

    def include_if(self, consumer: Any) -> bool:
        """Whether this worker has the duty at all."""
        return not self.slot_workers_only or isinstance(consumer.pool, SlotPool)

    def start(self, consumer: Any) -> None:
        """Called for every new connection."""
        raise NotImplementedError

    def stop(self, consumer: Any) -> None:
        """Nothing, unless a subclass has something to end."""


class PeriodicDuty(ConsumerDuty):
    """A duty with a timer. A subclass says how often, and what one step is."""

    interval_s: float
    """Seconds between two steps."""

    begins_at_once: ClassVar[bool] = False
    """Whether each new connection begins with a step; else the first one comes after `interval_s`."""

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Begin to step. Called for every new connection, so the timer of a lost one is cancelled first."""
        self.cancel_timer()
        self._timer = consumer.timer.call_repeatedly(self.interval_s, self.run_step)
        if self.begins_at_once:
            consumer.timer.call_after(0, self.run_step)

    def stop(self, consumer: Any) -> None:
        """No further step: the connection is lost, or the worker stops and the pool may still finish its work."""
        self.cancel_timer()

    def shutdown(self, consumer: Any) -> None:
        """No further step: the worker has ended."""
        self.cancel_timer()

    def step(self) -> None:
        """Do the duty once; may raise redis-py's errors."""
        raise NotImplementedError

    def run_step(self) -> None:
        """One step as the timer takes it: an error is logged, with the duty's name, and goes no further."""
        module = type(self).__module__
        logger, duty = logging.getLogger(module), module.rpartition(".")[2].replace("_", " ")
        try:
            self.step()
        except RedisError as exc:
            logger.warning("%s: skipped this time: %s", duty, words(exc))
        except Exception:  # the boundary of the event loop: one bad record must not end a duty
            logger.exception("%s: this step failed; the next one comes in %g s", duty, self.interval_s)

    def cancel_timer(self) -> None:
        """Forget the timer; harmless when there is none."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
