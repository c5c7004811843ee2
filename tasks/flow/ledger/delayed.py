"""What waits in Redis until it is due: messages with an eta, further tries, waits for an artifact.

Any reader sends them when they are due (`tasks/redis/lua/delayed.lua`). This reads them, and lets those of cancelled
tasks be due at once, in bounded steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.flow.ledger.queries import Queries
from tasks.redis import keys
from tasks.redis.task_id import fault_of
from tasks.terminal.printable import counted

if TYPE_CHECKING:
    from redis import Redis

AT_ONCE = 1000
"""Entries that Redis looks through in one step of a listing."""

WALKED_AT_ONCE = 500
"""Messages that one step of a walk reads."""


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


@dataclass(frozen=True)
class Walk:
    """How far a walk through the delayed messages is: Redis' cursor (0: none goes on), and `asked` when it began."""

    cursor: int = 0
    asked: bytes = b""


class Delayed:
    """The sorted set `slotline:delayed`; an entry is the queue's list, a line end, and the message."""

    def __init__(self, client: Redis) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»
        self._queries = Queries(client)

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

    def hasten(self, walk: Walk) -> Walk:
        """Let messages of cancelled tasks be due now: who takes them ends them. One step of a walk; gives the next one.

        A message may wait for longer than it is known that its task was cancelled, and a chord may wait for it. A walk
        begins when something was cancelled since the last one began (`cancel.lua` counts), and looks at each message.
        """
        if not walk.cursor:
            asked, done = self._redis.hmget(keys.HASTEN, "asked", "done")
            if asked is None or asked == done:
                return walk
            walk = Walk(0, asked)
        cursor, found = self._redis.zscan(keys.DELAYED, walk.cursor, count=WALKED_AT_ONCE)
        ids = {entry: task_id for entry, _ in found if not fault_of(task_id := _task_id(entry.partition(b"\n")[2]))}
        cancelled = self._queries.cancelled(set(ids.values()))
        if due := {entry: 0 for entry, task_id in ids.items() if task_id in cancelled}:
            self._redis.zadd(keys.DELAYED, due, xx=True)
        if not cursor:
            self._redis.hset(keys.HASTEN, "done", walk.asked)
        return Walk(cursor, walk.asked)


def _task_id(message: bytes) -> Any:
    try:
        return json.loads(message)["headers"]["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
