"""What the live models offer (their craft, voices, sample rate), as their workers published it in Redis.

Lets a wrong model or voice be refused before anything is computed. An offer is advice:
without one (no worker of that model was ready yet) a request passes, and the model itself
judges.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from tasks import keys
from tasks.settings import settings

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class Published:
    """A ready model, in its worker's words; `voices` maps a name to its language tag, empty when any voice may do."""

    model: str
    adapter: str
    revision: str
    sample_rate: int | None
    """In Hz; 0 where it makes no sound, None where it is known only when one of its many models is loaded."""
    voices: Mapping[str, str] = field(default_factory=dict)
    default_voice: str | None = None
    reads_tokens: int = 0
    """How many tokens of a text it reads at once; 0 where it does not say."""
    chars_per_token: Mapping[str, float] = field(default_factory=dict)
    """Language tag -> characters of such a text that are a token."""
    craft: str = ""
    """What it makes of an input; empty from a worker of an older version, which did not say."""
    is_registry: bool = False
    """Whether it is many small models, one for each voice."""


class Offers:
    """The offers of all models, on a client of the broker's database."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    def publish(self, offer: Published, kept_s: float | None = None) -> None:
        """Replace what this model offers; kept for `kept_s` seconds, or as long as an ended job is."""
        text = json.dumps(asdict(offer), ensure_ascii=False)
        self._redis.set(keys.offer(offer.model), text, px=int((kept_s or settings().job_ttl_s) * 1000))

    def published(self, model: str) -> Published | None:
        """What the model offers, or None when no worker has published it (or not lately)."""
        raw = self._redis.get(keys.offer(model))
        return Published(**json.loads(raw)) if raw else None
