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
    input_schema: str = ""
    """Of the craft `infer`: what an input must look like, as a JSON schema; empty if the adapter does not say."""


_IN_KEYS_OF_THEIR_OWN = frozenset({"input_schema"})


class Offers:
    """The offers of all models, in the broker's database."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    def publish(self, offer: Published, kept_s: float | None = None) -> None:
        """Replace this model's offer; kept for `kept_s` seconds, by default as long as the record of an ended job."""
        offered = {name: value for name, value in asdict(offer).items() if name not in _IN_KEYS_OF_THEIR_OWN}
        kept_ms = int((kept_s or settings().job_ttl_s) * 1000)
        schema = keys.input_schema(offer.model)
        pipe = self._redis.pipeline()
        if offer.input_schema:
            pipe.set(schema, offer.input_schema, px=kept_ms)
        else:
            pipe.delete(schema)
        pipe.set(keys.offer(offer.model), json.dumps(offered, ensure_ascii=False), px=kept_ms)
        pipe.execute()

    def published(self, model: str) -> Published | None:
        """The model's offer, or None if no worker has published one (or it has expired).

        Fields that only newer workers know are left out.
        """
        pipe = self._redis.pipeline(transaction=False)  # `MGET` would need a right that workers do not have yet
        pipe.get(keys.offer(model))
        pipe.get(keys.input_schema(model))
        raw, schema = pipe.execute()
        if not raw:
            return None
        known = {one.name for one in fields(Published)} - _IN_KEYS_OF_THEIR_OWN
        offered = {name: value for name, value in json.loads(raw).items() if name in known}
        return Published(**offered, input_schema=schema.decode() if schema else "")
