"""What was sent to a queue, as the task's name and its arguments."""

from __future__ import annotations

import json
from typing import Any

import redis


def sent(redis_client: redis.Redis, queue: str) -> list[tuple[str, dict[str, Any]]]:
    """The messages of a queue of the most urgent priority, the oldest first."""
    listed: Any = redis_client.lrange(queue, 0, -1)
    found = [json.loads(raw) for raw in reversed(listed)]
    return [(message["headers"]["task"], json.loads(message["body"])[1]) for message in found]
