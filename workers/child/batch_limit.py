"""How many inputs a model takes at once on this card, where its memory has run out before.

Remembered in Redis for a day, per model, revision, card and precision, so that it also
holds for other slots and after a restart, and can grow again. Asked before every batch, so
it is looked up once a minute only. Decides nothing about batches; `workers/child/compute.py` does.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redis import RedisError

from tasks import keys
from workers.adapters import hardware

if TYPE_CHECKING:
    from redis import Redis

    from workers.child.models.lifecycle import LoadedModel

logger = logging.getLogger(__name__)

KEPT_S = 86_400
LOOKED_UP_EVERY_S = 60.0


@dataclass
class Fits:
    """What fitted, for one slot; `card` is the type of its GPU, or `cpu`. Without a client it is kept here alone."""

    client: Redis | None = None
    card: str = "cpu"
    largest: int | None = None
    """Of the model that was asked for last; None while memory has never run out. Any thread may read it."""
    _known: dict[str, tuple[int | None, float]] = field(default_factory=dict)

    def size(self, model: LoadedModel) -> int | None:
        """How many inputs may run at once; None while memory has never run out."""
        key = self._key(model)
        size, looked_at = self._known.get(key, (None, float("-inf")))
        if self.client is not None and time.monotonic() - looked_at > LOOKED_UP_EVERY_S:
            raw: Any = self.client.get(key)
            size = int(raw) if raw else None
            self._known[key] = size, time.monotonic()
        self.largest = size
        return size

    def learn(self, model: LoadedModel, size: int) -> None:
        """Memory ran out for more than `size` inputs, and these fitted."""
        logger.warning("%s: no more than %d inputs at once from now on, on %s", model.entry.name, size, self.card)
        key = self._key(model)
        self._known[key] = size, time.monotonic()
        self.largest = size
        if self.client is None:
            return
        try:
            self.client.set(key, size, ex=KEPT_S)
        except RedisError as exc:
            logger.warning("how many inputs fitted is not kept: %s", exc)

    def _key(self, model: LoadedModel) -> str:
        precision = "fp16" if hardware.is_half(model.adapter.device) else "fp32"
        return keys.fits(model.entry.name, f"{model.offer.revision}|{self.card}|{precision}")
