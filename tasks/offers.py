"""Offers: a worker publishes in Redis what its ready model can do (its craft, voices, sample rate).

With an offer, a wrong model or voice is refused before anything is computed. Without one (no
worker of that model was ready yet) the request is accepted, and the model itself checks it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from tasks.redis import keys
from tasks.settings import settings

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class Published:
    """The offer of a ready model. `voices` maps a name to its language tag; empty if any name may be a voice.

    Clients and flow workers of older versions fail on a field that they do not know: a new one needs a key of its own.
    """

    model: str
    adapter: str
    revision: str
    sample_rate: int | None
    """In Hz; 0 if it makes no sound; None if each model of a registry has its own, known when it is loaded."""
    voices: Mapping[str, str] = field(default_factory=dict)
    default_voice: str | None = None
    reads_tokens: int = 0
    """How many tokens of a text it reads at once; 0 if it is not known."""
    chars_per_token: Mapping[str, float] = field(default_factory=dict)
    """Language tag -> characters per token of a text in this language."""
    craft: str = ""
    """What the model makes of an input; empty in the offer of a worker of an older version."""
    is_registry: bool = False
    """Whether the slot has many small models, one for each voice."""


class Offers:
    """The offers of all models, in the broker's database."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    def publish(self, offer: Published, kept_s: float | None = None) -> None:
        """Replace this model's offer; kept for `kept_s` seconds, by default as long as the record of an ended job."""
        text = json.dumps(asdict(offer), ensure_ascii=False)
        self._redis.set(keys.offer(offer.model), text, px=int((kept_s or settings().job_ttl_s) * 1000))

    def published(self, model: str) -> Published | None:
        """The model's offer, or None if no worker has published one (or it has expired).

        Fields that only newer workers know are left out.
        """
        raw = self._redis.get(keys.offer(model))
        if not raw:
            return None
        known = {one.name for one in fields(Published)}
        return Published(**{name: value for name, value in json.loads(raw).items() if name in known})
