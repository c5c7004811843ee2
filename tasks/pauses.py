"""Models that a person has paused: what runs there ends, and nothing new begins on any of their slots until resumed.

The record in Redis decides: workers read it where they take messages (`workers/transport/lua/reserve.lua`) and where a
run begins (`tasks/flow/ledger/lua/claim.lua`). Here it is written and shown. What is sent meanwhile waits in its queue.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tasks.redis import keys

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class Pause:
    """Since when a model is paused (seconds since 1970 by Redis' clock; 0: not known), and by whom."""

    model: str
    since: float
    by: str

    def words(self) -> str:
        """In one line, with this host's local time."""
        since = time.strftime(" since %Y-%m-%d %H:%M:%S", time.localtime(self.since)) if self.since else ""
        return f"{self.model} is paused{since}{f' by {self.by}' if self.by else ''}"

    def advice(self) -> str:
        """The same, for who waits for the model."""
        return f"{self.words()}; this waits until: slotline resume {self.model}"

    def fields(self) -> dict[str, Any]:
        """The fields of its JSON."""
        return asdict(self)


def paused(client: Redis) -> dict[str, Pause]:
    """The paused models, by name."""
    return read(client.hgetall(keys.PAUSED))


def read(found: Any) -> dict[str, Pause]:
    """The same from what the key has, for who reads it together with other keys."""
    pauses = [_read(model.decode("utf-8", "replace"), raw) for model, raw in found.items()]
    return {pause.model: pause for pause in sorted(pauses, key=lambda pause: pause.model)}


def pause_of(client: Redis, model: str) -> Pause | None:
    """The model's pause, or None if nothing keeps its slots from work."""
    raw: Any = client.hget(keys.PAUSED, model)
    return None if raw is None else _read(model, raw)


def pause(client: Redis, model: str, by: str) -> bool:
    """Pause the model; False if it is paused already, and then its record stays as it is."""
    seconds, micros = client.time()
    record = json.dumps({"since_ms": int(seconds) * 1000 + int(micros) // 1000, "by": by})
    return bool(client.hsetnx(keys.PAUSED, model, record))


def resume(client: Redis, model: str) -> bool:
    """Resume the model; False if it is not paused."""
    return bool(client.hdel(keys.PAUSED, model))


def _read(model: str, raw: bytes) -> Pause:
    """The field alone makes a model paused, whatever is in it."""
    try:
        record = json.loads(raw)
        return Pause(model, float(record["since_ms"]) / 1000, str(record.get("by", "")))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Pause(model, 0.0, "")
