"""What waits in Redis until it is due: messages with an eta, further tries, waits for an artifact.

Any reader sends them when they are due (`tasks/redis/lua/delayed.lua`). This reads them, and lets one be due at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.redis import keys
from tasks.terminal.printable import counted

if TYPE_CHECKING:
    from redis import Redis

AT_ONCE = 1000
"""Entries that Redis looks through in one step of a listing."""


@dataclass(frozen=True)
class Waiting:
    """How many messages are delayed, and in how many seconds the next one is due (less than 0: it is)."""

    count: int
    next_s: float

    def words(self) -> str:
        """In one line."""
        when = f"in {self.next_s:.0f} s" if self.next_s > 0 else "now"
        waiting = counted(self.count, "message waits for its time", "messages wait for their time")
        return f"{waiting}; the next one is due {when}"

    def fields(self) -> dict[str, float]:
        """The fields of its JSON."""
        return {"count": self.count, "next_s": round(self.next_s, 1)}


class Delayed:
    """The sorted set `slotline:delayed`; an entry is the queue's list, a line end, and the message."""

    def __init__(self, client: Redis) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»

    def waiting(self) -> Waiting | None:
        """How many there are, and when the first is due; None when there are none."""
        first = self._redis.zrange(keys.DELAYED, 0, 0, withscores=True)
        if not first:
            return None
        seconds, micros = self._redis.time()
        return Waiting(int(self._redis.zcard(keys.DELAYED)), first[0][1] / 1000 - seconds - micros / 1e6)

    def messages(self) -> Iterator[bytes]:
        """Every delayed message; one that comes or goes meanwhile may be among them or not."""
        for entry, _ in self._redis.zscan_iter(keys.DELAYED, count=AT_ONCE):
            yield entry.partition(b"\n")[2]

    def hasten(self, task_id: str) -> int:
        """Let a task's messages be due now, as when it was cancelled: who takes them ends it. How many.

        Redis looks through all that are delayed, in steps.
        """
        texts = {json.dumps(task_id), json.dumps(task_id, ensure_ascii=False)}
        found = {
            entry: 0
            for text in texts
            for entry, _ in self._redis.zscan_iter(keys.DELAYED, match=_containing(text), count=AT_ONCE)
            if _task_id(entry.partition(b"\n")[2]) == task_id
        }
        return int(self._redis.zadd(keys.DELAYED, found, xx=True, ch=True)) if found else 0


def _containing(text: str) -> bytes:
    """Redis' pattern of what contains this text."""
    return f"*{keys.literal(text)}*".encode("utf-8", "surrogatepass")


def _task_id(message: bytes) -> str | None:
    try:
        found = json.loads(message)["headers"]["id"]
    except (ValueError, TypeError, KeyError):
        return None
    return found if isinstance(found, str) else None
