"""Messages put out of the way for a person to look at: kept whole with the reason, sent again once, or forgotten.

The transport puts those aside that no worker can read (`workers/transport/lua/set_aside.lua`);
here are added those whose attempts are used up and that belong to no job.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tasks.redis import keys
from tasks.redis.scripts import Scripts
from tasks.redis.task_id import fault_of

if TYPE_CHECKING:
    from redis import Redis


class SetAsides:
    """The list `slotline:setaside`; an entry is a line of JSON (queue, reason, time in ms), then the message."""

    def __init__(self, client: Redis, scripts: Scripts) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»
        self._scripts = scripts

    def add(self, list_key: str, reason: str, message: str) -> None:
        """Put a message of this queue's list aside; the oldest entries give way when there are too many."""
        self._scripts.run("set_aside", [keys.SET_ASIDE], [list_key, reason, message])

    def dropped(self) -> int:
        """How many entries gave way since the list was last empty."""
        return int(self._redis.hget(keys.SET_ASIDE_ABOUT, "dropped") or 0)

    def latest(self, limit: int) -> list[bytes]:
        """The `limit` latest entries, the last one last."""
        return list(self._redis.lrange(keys.SET_ASIDE, -limit, -1))

    def trim(self, oldest_ms: float, limit: int) -> int:
        """Forget what was set aside before `oldest_ms`; how many of the `limit` oldest were."""
        old = [
            entry
            for entry in self._redis.lrange(keys.SET_ASIDE, 0, limit - 1)
            if float(json.loads(entry.partition(b"\n")[0])["time"]) < oldest_ms
        ]
        # Removed by value, one by one: an entry may just be sent again, and then positions shift.
        return sum(self.forget(entry) for entry in old)

    def forget(self, entry: bytes) -> int:
        """Remove one entry; 0 when it is not there any more."""
        removed = int(self._redis.lrem(keys.SET_ASIDE, 1, entry))
        if removed:
            self._redis.hincrby(keys.SET_ASIDE_ABOUT, "bytes", -len(entry))
        return removed

    def forget_dropped(self) -> None:
        """Forget how many entries gave way, if the list is empty by now."""
        if not self._redis.exists(keys.SET_ASIDE):
            self._redis.delete(keys.SET_ASIDE_ABOUT)

    def resend(self, entry: bytes, list_key: str, message: bytes) -> int:
        """Send a set-aside message again, its attempts forgotten; 0 when it was sent already."""
        script_keys = [keys.SET_ASIDE, list_key, keys.attempts(task_id_of(message))]
        return int(self._scripts.run("resend", script_keys, [entry, message]))


def task_id_of(message: bytes) -> str:
    """The id of the task that a message names; empty if it names none that can be read."""
    try:
        found = json.loads(message)["headers"]["id"]
    except (ValueError, TypeError, KeyError):
        return ""
    return "" if fault_of(found) else str(found)
