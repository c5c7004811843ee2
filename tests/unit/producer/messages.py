"""What the producer's tests share: a catalog for many inputs, and what was sent to a queue."""

from __future__ import annotations

import json
from typing import Any

import redis


def sent(redis_client: redis.Redis, queue: str) -> list[tuple[str, dict[str, Any]]]:
    """The messages of a queue of the most urgent priority, the oldest first."""
    listed: Any = redis_client.lrange(queue, 0, -1)
    found = [json.loads(raw) for raw in reversed(listed)]
    return [(message["headers"]["task"], json.loads(message["body"])[1]) for message in found]


MAP_CATALOG = """
[models.words]
adapter = "rehearsal"
gives = "text"
faults = true
batch_size = 16

[models.quick]
adapter = "rehearsal"
faults = true
voices = ["anna", "bert"]
batch_size = 16
"""
"""A model that writes and one that speaks, for many inputs at once."""
