"""Readiness: a slot worker takes messages only when its child has its model loaded and warm, or is ready to load it.

It gates the transport's reserve. It announces when the model is ready (log, Celery's signal,
what the model offers, how much this worker takes at once) and when it is not, and ends the
worker when the model cannot be loaded. It tells the other slots what is loaded, so that they leave
its messages to this one. A model that fails everything closes the gate, as
`workers/parent/failure_streak.py` decides: the child is replaced once, and if that does not
help the gate stays closed. Loads nothing itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from celery import signals
from redis import RedisError

from tasks.exit_codes import FAILED
from tasks.flow.connections import offers, redis_client
from tasks.messages.variants import word_of
from tasks.offers import Published
from tasks.redis.refusals import words
from tasks.routing import queue_of
from tasks.settings import settings
from workers.duties.duty import PeriodicDuty
from workers.parent.failure_streak import Step
from workers.parent.pool import SlotPool
from workers.transport.holdings import HOLDS_S, THE_MODEL, Holding, Holdings
from workers.transport.holdings import Loaded as WhatIsLoaded
from workers.upstream.celery import is_stopping, stop_worker
from workers.wire.messages import Loaded

logger = logging.getLogger(__name__)

VOICES_KEPT_S = 60.0
"""How long a registry's offer is valid: without a worker its folder may change unnoticed."""


class Readiness(PeriodicDuty):
    """Gates a slot worker's consumer, and is its supervisor's listener; other workers are left alone."""

    slot_workers_only = True
    begins_at_once = True
    interval_s = HOLDS_S / 3

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._was_ready = False
        self._holdings: Holdings | None = None

    def start(self, consumer: Any) -> None:
        """Gate the channel that was just opened; again after each connection."""
        pool: SlotPool = consumer.pool
        consumer.task_consumer.channel.qos.gate(
            lambda: pool.is_ready,
            room=lambda: pool.holds_at_most,
            shared_batch=lambda: pool.hand_over.number,
            on_pause=pool.dispatcher.pause,
        )
        pool.supervisor.listener = self
        channel = consumer.task_consumer.channel
        default = pool.spec.entry.voice or ""
        channel.qos.prefer(lambda: self._what_is_loaded, word_of(default))
        queue, kept_s = queue_of(pool.spec.entry.name), settings().job_ttl_s
        self._holdings = Holdings(redis_client(consumer.app), channel.leases.holder, queue, kept_s)
        super().start(consumer)

    def stop(self, consumer: Any) -> None:
        """A worker that stops has nothing any more for which a message should be left to it."""
        super().stop(consumer)
        if is_stopping():
            self.run_step()

    def step(self) -> None:
        """Tell the other slots of the model what is loaded here; raises redis-py's errors."""
        if self._holdings is not None:
            self._holdings.tell(self._holding())

    def holds(self) -> None:
        """What is loaded has changed."""
        self.run_step()

    @property
    def _what_is_loaded(self) -> WhatIsLoaded:
        pool: SlotPool = self.consumer.pool
        if pool.spec.entry.is_registry:
            return "registry"
        return "loaded" if pool.supervisor.is_loaded else "unloaded"

    def _holding(self) -> Holding:
        """What is loaded, as far as this worker takes messages for it."""
        pool: SlotPool = self.consumer.pool
        supervisor = pool.supervisor
        if is_stopping() or not pool.is_ready:
            return Holding()
        if not pool.spec.entry.is_registry:
            return Holding(frozenset([THE_MODEL] if supervisor.is_loaded else []), load_s=supervisor.load_s)
        if supervisor.holds is None:
            return Holding()
        found = supervisor.holds
        return Holding(frozenset(map(word_of, found.variants)), found.room, found.load_s)

    def ready(self, loaded: Loaded | None) -> None:
        """The model is loaded, for the first time or again; None: a lazy slot's child stands by."""
        setup = self.consumer.controller.setup
        if loaded and loaded.offer:
            self._publish(loaded.offer)
        may_take = self.consumer.pool.failure_streak.loaded()
        setup.renewal.set_ready(may_take)
        if not may_take:
            return
        self.consumer.pool.dispatcher.open()
        self.run_step()
        how = f"loaded in {loaded.load_s:.1f} s" if loaded else "its first job will load it"
        logger.info("ready: %s on %s, %s", setup.spec.entry.name, setup.spec.worker.partition("@")[0], how)
        if not self._was_ready:
            self._was_ready = True
            signals.worker_ready.send(sender=self.consumer)
        self.consumer.pool.dispatcher.pump_soon()

    def _publish(self, offer: Published, kept_s: float | None = None) -> None:
        try:
            offers(self.consumer.app).publish(offer, kept_s)
        except RedisError as exc:
            logger.warning("the offer of %s could not be published: %s", offer.model, words(exc))

    def offers(self, offer: Published) -> None:
        """A registry has sent its offer again."""
        self._publish(offer, VOICES_KEPT_S)

    def gone(self) -> None:
        """The child is dead: nothing is taken until its replacement is ready."""
        self.consumer.controller.setup.renewal.set_ready(False)
        self.consumer.pool.losses.child_gone()
        self.run_step()

    def ran(self, failed: Sequence[str], worked: bool) -> None:
        """Something was computed: a model that fails on every input closes the gate."""
        pool: SlotPool = self.consumer.pool
        step = pool.failure_streak.record(failed, worked)
        if step is Step.GO_ON:
            return
        setup = self.consumer.controller.setup
        failed_parts = f"{setup.spec.entry.name} failed {len(pool.failure_streak)} different parts in a row"
        if step is Step.RELOAD:
            why = f"{failed_parts}; no more messages are taken until it is loaded again"
        else:
            why = f"{failed_parts} after it was loaded again; no more messages are taken until this worker is restarted"
        logger.error("%s: %s", setup.spec.worker, why)
        setup.renewal.set_ready(False)
        pool.dispatcher.shut(why)
        self.run_step()
        if step is Step.RELOAD:
            pool.dispatcher.replace_child()

    def takes(self, parts: int) -> None:
        """The slot takes so many at once from now on: the window of each job counts them."""
        self.consumer.controller.setup.renewal.set_parts(parts)

    def given_up(self, reason: str) -> None:
        """The model cannot be loaded: the worker ends."""
        logger.critical("%s; the worker ends", reason)
        stop_worker(FAILED)
