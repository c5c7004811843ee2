"""How far retention is: kept in Redis, so that another worker goes on where one has ended, and a person can see it.

Decides when the next round begins, and nothing else. A state that cannot be read, such as one of another version,
counts as none: a new round begins.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tasks.redis import keys
from tasks.retention.round import Limits, Round

if TYPE_CHECKING:
    from redis import Redis

KEPT_S = 30 * 86400.0
EVERY_S = 600.0
"""From the end of one round to the next, where the store has a largest size."""

EVERY_BY_AGE_S = 6 * 3600.0
"""The same, where only age counts."""

REST = 5.0
"""Between two rounds at least so many times as long as the steps of the last one took."""


@dataclass(frozen=True)
class Ended:
    """What the last whole round did and saw, and when it ended (seconds since 1970)."""

    at_s: float
    removed: int
    removed_bytes: int
    artifacts: int
    bytes: int
    needed: int


@dataclass(frozen=True)
class State:
    """The round that is under way, or when the next one begins; and the last one. `limits` are those of the round."""

    round: Round | None = None
    next_s: float = 0.0
    last: Ended | None = None
    limits: Limits | None = None

    def begun(self, limits: Limits, now_s: float) -> State:
        """The state with a round under way, if it is time for one: at once, where the limits have changed."""
        if limits == self.limits and (self.round is not None or now_s < self.next_s):
            return self
        return State(Round(now_s), 0.0, self.last, limits)

    def ended(self, limits: Limits, now_s: float) -> State:
        """The state after the last folder of the round: the next round at once if the store is too large, or later."""
        done = self.round
        assert done is not None
        last = Ended(now_s, done.removed, done.removed_bytes, done.left, done.left_bytes, done.needed)
        room = done.next_room(limits)
        # A round that was to make room, and could remove nothing, is not repeated without a pause.
        if room and (done.room is None or done.removed):
            return State(Round(now_s, room), 0.0, last, limits)
        return State(None, now_s + pause_s(limits, done.busy_s), last, limits)


def pause_s(limits: Limits, busy_s: float) -> float:
    """The time between two rounds, when the steps of the last one took `busy_s`."""
    usual_s = EVERY_BY_AGE_S if limits.max_bytes is None else EVERY_S
    if limits.ttl_s is not None:
        usual_s = min(usual_s, max(1.0, limits.ttl_s / 10))
    return max(usual_s, REST * busy_s)


def load(client: Redis) -> State:
    """The state in Redis."""
    raw: Any = client.get(keys.RETENTION)
    try:
        found = json.loads(raw or b"{}")
        under_way = Round.from_json(json.dumps(found["round"])) if found.get("round") else None
        last = Ended(**found["last"]) if found.get("last") else None
        limits = Limits(**found["limits"]) if found.get("limits") else None
        return State(under_way, float(found.get("next_s", 0.0)), last, limits)
    except (ValueError, KeyError, TypeError, AttributeError):
        return State()


def save(client: Redis, state: State) -> None:
    """Write the state."""
    client.set(keys.RETENTION, json.dumps(asdict(state)), px=int(KEPT_S * 1000))
