"""The shape of every periodic duty: start, step, stop. A test calls `step` and never waits for a timer.

A duty is a step of Celery's consumer with a timer on the worker's event loop. Celery starts
it again for every new connection. A step that fails is logged and the next one comes in its
time: no fault of a duty ends the loop. A duty knows nothing of the other duties.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from celery import bootsteps
from redis import RedisError

from workers.parent.pool import SlotPool


class Duty(bootsteps.StartStopStep):
    """A periodic duty of the worker that owns `consumer`. A subclass says how often, and what one step is."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    interval_s: float
    """Seconds between two steps."""

    slot_workers_only: ClassVar[bool] = False
    """Flow workers have no model, and leave out the duties that look after one."""

    begins_at_once: ClassVar[bool] = False
    """Whether each new connection begins with a step; else the first one comes after `interval_s`."""

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self.consumer = consumer
        self._timer: Any = None
        super().__init__(consumer, **kwargs)

    def include_if(self, consumer: Any) -> bool:
        """Whether this worker has the duty at all."""
        return not self.slot_workers_only or isinstance(consumer.pool, SlotPool)

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
            logger.warning("%s: skipped this time: %s", duty, exc)
        except Exception:  # the boundary of the event loop: one bad record must not end a duty
            logger.exception("%s: this step failed; the next one comes in %g s", duty, self.interval_s)

    def cancel_timer(self) -> None:
        """Forget the timer; harmless when there is none."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
