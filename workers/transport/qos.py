"""The prefetch of a reading channel: how many messages a worker may hold, and whether it takes any at the moment.

Counts by process, not by channel, so that what still runs counts after a lost connection.
Restores nothing at the end: the leases are given back, or end by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol

from kombu.transport import virtual

from workers.transport.holdings import Loaded
from workers.transport.leases import Leases

RESERVE_AT_MOST = 256
"""Messages of one reserve where the prefetch is unlimited."""


class Reader(Protocol):
    """What this needs of the channel."""

    leases: Leases

    def call_for_step(self) -> None:
        """Let the event loop step in this turn."""


class LeasingQoS(virtual.QoS):
    """The prefetch of one channel."""

    restore_at_shutdown = False

    def __init__(self, channel: Reader, prefetch_count: int = 0) -> None:
        self.channel = channel
        self.prefetch_count = prefetch_count or 0
        self.may_take: Callable[[], bool] = lambda: True
        """Whether any message may be taken, whatever the prefetch says."""
        self.room: Callable[[], int] | None = None
        """How many messages may be held now, where that changes; `prefetch_count` is an upper limit then."""
        self._shared: Callable[[], int] = lambda: 0
        self.on_pause: Callable[[bool], None] = lambda is_paused: None
        """Is called with each answer of Redis to a reserve: whether a queue that is read here is paused."""
        self.loaded: Callable[[], Loaded] = lambda: ""
        """What the slot that reads here has loaded; the reserve prefers slots that hold a message's model."""
        self.default_word = ""
        """The word of the default model, if the slot is a registry that has one."""
        self._delivered: dict[str, Any] = {}
        self._rests_until_s = 0.0

    def gate(
        self,
        may_take: Callable[[], bool],
        room: Callable[[], int],
        shared_batch: Callable[[], int],
        on_pause: Callable[[bool], None] = lambda is_paused: None,
    ) -> None:
        """From now on take messages only while `may_take()`, and hold no more than `room()`.

        What waits is shared with other slots, in batches of `shared_batch()` messages; 0: it is not shared.
        """
        self.may_take, self.room, self._shared, self.on_pause = may_take, room, shared_batch, on_pause

    @property
    def shared_batch(self) -> int:
        """Messages of one hand-over of the slot that reads here; 0: what waits is not shared."""
        return self._shared()

    def prefer(self, loaded: Callable[[], Loaded], default_word: str) -> None:
        """From now on leave messages to slots that have their model, if this one has not (`lua/_prefer.lua`)."""
        self.loaded, self.default_word = loaded, default_word

    def rest(self, seconds: float) -> None:
        """Take nothing for so long, because Redis refuses what this worker needs; 0: go on."""
        self._rests_until_s = monotonic() + seconds

    @property
    def is_resting(self) -> bool:
        """Whether nothing is taken, because Redis refuses what this worker needs."""
        return monotonic() < self._rests_until_s

    def can_consume(self) -> bool:
        """Whether another message may be taken."""
        return self.can_consume_max_estimate() > 0

    def can_consume_max_estimate(self) -> int:
        """How many may be taken now."""
        if not self._may_take():
            return 0
        limits = [self.prefetch_count] if self.prefetch_count else []
        if self.room is not None:
            limits.append(self.room())
        return max(0, min([RESERVE_AT_MOST, *(limit - self.channel.leases.count for limit in limits)]))

    def append(self, message: Any, delivery_tag: str) -> None:
        """Nothing: the reserve registered it."""

    def ack(self, delivery_tag: str) -> None:
        """Gather it; the step sends it, together with all others of the same turn of the event loop."""
        self.channel.leases.ack(delivery_tag)
        self.channel.call_for_step()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """To the front of its list, or away for good."""
        if requeue:
            self.channel.leases.give_back([delivery_tag])
        else:
            self.channel.leases.ack(delivery_tag)
        self.channel.call_for_step()

    def restore_unacked(self) -> list[Any]:
        """Nothing: what still runs stays held, and the renewal gives back what Celery has dropped."""
        return []

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Nothing, for the same reason."""

    def _may_take(self) -> bool:
        return not self.is_resting and self.may_take()
