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

ANSWER_CATALOG = """
[models.ask]
adapter = "rehearsal"
gives = "answer"

[models.quick]
adapter = "rehearsal"
"""
"""A model that gives its input back, and one of another craft."""

SCHEMA = {
    "type": "object",
    "properties": {
        "image": {"type": "string", "format": "slotline-file", "most_bytes": 10},
        "more": {"type": "array", "items": {"type": "string", "format": "slotline-file"}},
        "n": {"type": "integer", "minimum": 1},
    },
    "required": ["image"],
    "additionalProperties": False,
}
"""What an input of such a model may have to look like: a file of at most ten bytes, further files, a number."""
