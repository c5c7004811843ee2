"""The batch limit: how many inputs fit into a GPU's memory at once, known after its memory has run out.

It is kept in Redis for a day, per model, revision, type of GPU and precision. So it also holds for other slots and
after a restart, and can grow again. It is needed before every batch, so Redis is read only once a minute. This file
splits no batch (`compute.py` does). Guarantee: if Redis cannot store a limit, it holds in this process.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redis import RedisError

from tasks.redis import keys
from tasks.redis.refusals import words
from workers.adapters import hardware

if TYPE_CHECKING:
    from redis import Redis

    from workers.child.models.base import LoadedModel

logger = logging.getLogger(__name__)

KEPT_S = 86_400
READ_EVERY_S = 60.0


@dataclass
class BatchLimit:
    """The limits that one slot knows; `gpu_type` is `cpu` without a GPU. Without a client they are not stored."""

    client: Redis | None = None
    gpu_type: str = "cpu"
    last: int | None = None
    """The last limit that `size` returned; None while memory has never run out. Any thread may read it."""
    _known: dict[str, tuple[int | None, float]] = field(default_factory=dict)

    def size(self, model: LoadedModel) -> int | None:
        """How many inputs may run at once; None while memory has never run out."""
        key = self._key(model)
        size, read_at = self._known.get(key, (None, float("-inf")))
        if self.client is not None and time.monotonic() - read_at > READ_EVERY_S:
            size = self._read(self.client, key, size)
            self._known[key] = size, time.monotonic()
        self.last = size
        return size

    def _read(self, client: Redis, key: str, known: int | None) -> int | None:
        """The stored limit; the known one if Redis does not answer, because what runs needs no Redis."""
        try:
            raw: Any = client.get(key)
        except RedisError as exc:
            logger.warning("the batch limit could not be read: %s", words(exc))
            return known
        return int(raw) if raw else None

    def learn(self, model: LoadedModel, size: int) -> None:
        """Store a new limit: `size` inputs fitted, and memory ran out for more."""
        logger.warning("%s: no more than %d inputs at once from now on, on %s", model.entry.name, size, self.gpu_type)
        key = self._key(model)
        self._known[key] = size, time.monotonic()
        self.last = size
        if self.client is None:
            return
        try:
            self.client.set(key, size, ex=KEPT_S)
        except RedisError as exc:
            logger.warning("the batch limit could not be stored: %s", words(exc))

    def _key(self, model: LoadedModel) -> str:
        precision = "fp16" if hardware.is_half(model.adapter.device) else "fp32"
        return keys.fits(model.entry.name, f"{model.offer.revision}|{self.gpu_type}|{precision}")
