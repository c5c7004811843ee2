"""A claimed share of a GPU: the model is loaded there in turn, measured, and its memory is kept while it is unloaded.

The child calls it for each load, and the parent when a child has died. Guarantees: a model
that does not fit is not loaded, and the error has the numbers; no other worker counts as
free what one load takes. CUDA is never initialised here: all figures are the driver's.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from redis import RedisError

from tasks.errors import NoFreeSlot, SlotlineError
from tasks.redis import keys
from tasks.redis.refusals import words
from tasks.settings import settings
from workers.slots import footprint, nvml
from workers.slots.claim import SlotClaim
from workers.slots.gpu import SETTLE_S, used_by
from workers.slots.nvml import Gpu
from workers.slots.plan import Footprint, gb
from workers.slots.turn import POLL_S

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import ModelEntry
    from tasks.settings import Settings
    from workers.wire.spec import Model

logger = logging.getLogger(__name__)


def promise(client: Redis, claimed: SlotClaim, size: Footprint) -> None:
    """Keep the memory of a slot's model for it, so that no other worker plans with it while it is not loaded."""
    if claimed.turn:
        client.hset(keys.promised(claimed.turn.gpu), claimed.worker, str(size.size_bytes or 0))


class GpuSlot:
    """A claimed share of a GPU. The parent has it, and so has its child, which is forked from it and loads with it."""

    def __init__(self, client: Redis, entry: ModelEntry, gpu: Gpu, claimed: SlotClaim, chosen: Settings) -> None:
        self.uuid = gpu.uuid
        self.label = gpu.label
        self.gpu_type = gpu.name
        self.precision = footprint.precision(chosen)
        self._client = client
        self._entry = entry
        self._claim = claimed

    def load(self, load: Callable[[], Model], waits: Callable[[str], None]) -> Model:
        """Load the model when it is our turn on the GPU, and measure the memory that it takes. For the child.

        `waits` is called with the name of each worker whose turn we wait for. Raises `NoFreeSlot` with the
        numbers when the GPU has no room for it any more, and what `load` raises. The turn always ends.
        """
        turn = self._claim.turn
        assert turn is not None
        turn.wait(self._client, waits)
        try:
            before = self._look_for_room()
            model = load()
            self._record(before, model.offer.revision)
            return model
        finally:
            self.end_turn()

    def end_turn(self) -> None:
        """Let others load on the GPU: after a load, or when this worker loads later (its memory stays promised)."""
        turn = self._claim.turn
        try:
            if turn:
                turn.end(self._client)
        except RedisError as exc:
            logger.warning("the turn to load on %s could not be ended, it ends by itself: %s", self.label, words(exc))

    def used_bytes(self) -> int | None:
        """How much of the GPU's memory this process uses, by the driver; None where it does not show it. For the child.

        In a container the driver shows other pids than ours. Then nothing is known, unless the GPU has no user at all.
        """
        try:
            users = nvml.read(self.uuid, self.label).users
        except SlotlineError as exc:
            logger.debug("how much memory of %s is used here cannot be seen: %s", self.label, exc)
            return None
        return footprint.own_bytes(users, os.getpid())

    def unloaded(self) -> None:
        """The model left the GPU, or its process ended: keep its memory for it. Safe to call again."""
        try:
            promise(self._client, self._claim, self._size())
        except RedisError as exc:
            logger.warning("the memory of %s on %s could not be promised: %s", self._entry.name, self.label, words(exc))

    def child_ended(self) -> None:
        """The child is dead, whatever it was doing: end its turn, and keep its memory for the next child."""
        self.end_turn()
        self.unloaded()

    def _size(self) -> Footprint:
        return footprint.known(self._client, self._entry, self.gpu_type, settings())

    def _look_for_room(self) -> Gpu:
        """The GPU as it is now, when the model fits into its free memory.

        The buffer is not added again: the slots that run may use it for their work by now.
        """
        size = self._size()
        deadline = time.monotonic() + SETTLE_S
        while True:
            now = nvml.read(self.uuid, self.label)
            if size.size_bytes is None or size.size_bytes <= now.free_bytes:
                return now
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        users = used_by(now)
        raise NoFreeSlot(
            f"{self._entry.name} does not fit on {self.label} ({self.gpu_type}): {size}, "
            f"{gb(now.free_bytes)} of {gb(now.total_bytes)} GB are free" + (f"; {users}" if users else "")
        )

    def _record(self, before: Gpu, revision: str) -> None:
        """Record that the memory is taken, and how much. A failure here is logged: the model is loaded, and stays."""
        name = self._entry.name
        try:
            is_first = self._size().source != "measured"
            took = footprint.measured(before, nvml.read(self.uuid, self.label), os.getpid(), is_first)
            if took is not None:
                footprint.remember(self._client, name, revision, self.gpu_type, self.precision, took)
                logger.info("%s takes %s GB of %s", name, gb(took), self.label)
            self._client.hdel(keys.promised(self.uuid), self._claim.worker)
        except (RedisError, SlotlineError) as exc:
            logger.warning("what %s takes of %s could not be recorded: %s", name, self.label, exc)
