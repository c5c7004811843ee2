"""The hand: deals faults to a fleet, in an order and at a pace that a seed decides.

It kills children, sidecars, parents, whole workers, flow workers and Redis (SIGKILL), freezes whole workers
for longer than the lease and thaws them, cuts connections, swallows what is sent over those of
one worker (one way or both), and sends copies of messages.
It spares what was struck before: three deaths on one part are what poison means, and a
storm holds none. All that a worker holds is struck with it, because what was claimed may cost
an attempt. `step` deals at most one fault and never waits.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from tasks.redis import keys
from tasks.routing import list_keys
from tests.chaos.fleet import MODEL, Fleet, children
from tests.chaos.journal import Journal, Span, Strike

KILLS = ("child", "sidecar", "parent", "worker", "flow", "flow child", "redis")
"""Those that end a process by SIGKILL."""

SHORT = {
    "child": 6, "sidecar": 4, "parent": 3, "worker": 2, "flow": 2, "flow child": 1, "redis": 2, "freeze": 2, "cut": 3,
    "copy": 5, "swallow": 3,
}  # fmt: skip
FROZEN_LEASES = (1.2, 2.0)
AWAY_S = (0.0, 0.6)
LONG_AWAY_LEASES = 1.3
COPIES_AT_ONCE = 3
WAYS = {"both ways": (True, True), "to Redis": (True, False), "from Redis": (False, True)}


def many(kills: int) -> dict[str, int]:
    """Faults of every kind with `kills` kills among them."""
    weights = {"sidecar": 40, "parent": 30, "worker": 12, "flow": 12, "flow child": 6, "redis": 12}
    chosen = {kind: max(1, kills * weight // 200) for kind, weight in weights.items()}
    chosen["child"] = kills - sum(chosen.values())
    return {**chosen, "freeze": kills // 8, "cut": kills // 8, "copy": kills // 4, "swallow": kills // 8}


@dataclass
class Frozen:
    """A worker that sleeps: its processes' group, which pids it had, since when and until when."""

    name: str
    group: int
    strike_pids: frozenset[int]
    since_s: float
    until_s: float


class Hand:
    """Deals `faults` (kind -> how many), one every `pace_s` on average; `tell` takes a line for each."""

    def __init__(
        self,
        fleet: Fleet,
        journal: Journal,
        faults: Mapping[str, int],
        seed: int,
        pace_s: float,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._fleet = fleet
        self._journal = journal
        self._random = random.Random(f"hand {seed}")
        self._deck = [kind for kind, count in faults.items() for _ in range(count)]
        self._random.shuffle(self._deck)
        self._pace_s = pace_s
        self._tell = tell
        self._next_s = 0.0
        self._frozen: list[Frozen] = []
        self._redis_back_s: float | None = None
        self._redis_gone_s = 0.0
        self._struck: set[str] = set()
        self._held: dict[int, set[str]] = {}
        """The tasks whose messages each worker holds, by its process, as Redis last told."""
        self.dealt: Counter[str] = Counter()
        self.strikes: list[Strike] = []
        self.redis_away: list[Span] = []

    @property
    def kills(self) -> int:
        """How many SIGKILLs it has dealt."""
        return sum(self.dealt[kind] for kind in KILLS)

    @property
    def is_done(self) -> bool:
        """Whether every fault has been dealt and undone: nobody is frozen, Redis is there."""
        return not self._deck and not self._frozen and self._redis_back_s is None

    def frozen(self) -> set[str]:
        """The workers that sleep now."""
        return {one.name for one in self._frozen}

    def step(self, now_s: float) -> None:
        """Undo what is due, and deal the next fault when its time has come."""
        self._thaw(now_s)
        if self._redis_back_s is not None and now_s >= self._redis_back_s:
            self._fleet.redis.start()
            self.redis_away.append((self._redis_gone_s, time.monotonic()))
            self._redis_back_s = None
        if not self._deck or now_s < self._next_s:
            return
        kind = self._deck[-1]
        if self._deal(kind, now_s):
            self._deck.pop()
            self.dealt[kind] += 1
            self._next_s = now_s + self._pace_s * self._random.uniform(0.3, 1.7)
        else:
            # No victim for it now: another kind first.
            self._deck.insert(self._random.randrange(len(self._deck)), self._deck.pop())
            self._next_s = now_s + 0.05

    def undo(self) -> None:
        """Thaw everybody at once."""
        self._thaw(float("inf"))

    def _deal(self, kind: str, now_s: float) -> bool:
        match kind:
            case "child" | "sidecar" | "parent" | "worker":
                return self._kill(kind, self._fleet.slots)
            case "flow" | "flow child":
                return self._kill(kind, self._fleet.flows)
            case "freeze":
                return self._freeze(now_s)
            case "redis":
                return self._kill_redis(now_s)
            case "swallow":
                return self._swallow()
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self._fleet.redis.url) as client:
            return self._cut(client) if kind == "cut" else self._copy(client)
        return False

    def _kill(self, kind: str, names: list[str]) -> bool:
        victim = self._victim(names)
        if victim is None:
            return False
        parent, *its_children = victim
        sidecars = [pid for child in its_children for pid in children(child)]
        pids = {
            "child": its_children,
            "sidecar": sidecars,
            "flow child": its_children,
            "parent": [parent],
            "flow": [parent],
        }
        killed = pids.get(kind, [*victim, *sidecars])
        if not killed:
            return False
        at_s = time.monotonic()
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # A child whose parent or sidecar is gone ends too: what it computes is struck as well.
        self._strike(kind, at_s, frozenset(victim), None)
        return True

    def _freeze(self, now_s: float) -> bool:
        busy = len(self._fleet.slots) - len([one for one in self._frozen if one.name in self._fleet.slots])
        names = [*self._fleet.slots, *self._fleet.flows] if busy > 2 else self._fleet.flows
        victim = self._victim(names)
        if victim is None:
            return False
        name = next(name for name in names if self._fleet.pids(name)[:1] == victim[:1])
        long_s = self._fleet.lease_s * self._random.uniform(*FROZEN_LEASES)
        os.killpg(victim[0], signal.SIGSTOP)
        self._struck |= self._at_stake(victim)
        self._frozen.append(Frozen(name, victim[0], frozenset(victim), time.monotonic(), now_s + long_s))
        self._tell(f"freeze {name} for {long_s:.1f} s")
        return True

    def _thaw(self, now_s: float) -> None:
        for one in [one for one in self._frozen if now_s >= one.until_s]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.group, signal.SIGCONT)
            self._frozen.remove(one)
            self.strikes.append(Strike("freeze", one.since_s, one.strike_pids, time.monotonic()))
            self._tell(f"thaw {one.name}")

    def _kill_redis(self, now_s: float) -> bool:
        if self._redis_back_s is not None:
            return False
        self._redis_gone_s = time.monotonic()
        self._fleet.redis.kill()
        long = self._random.random() < 0.2
        away_s = self._fleet.lease_s * LONG_AWAY_LEASES if long else self._random.uniform(*AWAY_S)
        self._redis_back_s = now_s + away_s
        self._tell(f"redis, away for {away_s:.1f} s")
        return True

    def _cut(self, client: redis.Redis) -> bool:
        cut = int(client.client_kill_filter(_type="normal", skipme=True))
        if self._random.random() < 0.5:
            cut += int(client.client_kill_filter(_type="pubsub"))
        self._tell(f"cut {cut} connections")
        return True

    def _swallow(self) -> bool:
        names = [*self._fleet.slots, *self._fleet.flows]
        victim = self._victim(names)
        if victim is None:
            return False
        name = next(name for name in names if self._fleet.pids(name)[:1] == victim[:1])
        way = self._random.choice(list(WAYS))
        swallowed = self._fleet.lines[name].swallow(*WAYS[way])
        self._tell(f"swallow {way}: {swallowed} connections of {name}")
        self._strike("swallow", time.monotonic(), frozenset(victim), None)
        return True

    def _copy(self, client: redis.Redis) -> bool:
        """Some message once more: one that a worker holds, or one that waits."""
        entries: list[Any] = client.hvals(keys.HELD)
        held: list[Any] = [entry.split(b"\n", 2)[1:] for entry in entries]
        lists = [*list_keys(MODEL), *list_keys("flow")]
        waiting: list[Any] = [[name.encode(), raw] for name in lists for raw in client.lrange(name, 0, -1)]
        found = sorted(map(tuple, held + waiting))
        if not found:
            return False
        for queue_list, raw in self._random.choices(found, k=self._random.randint(1, COPIES_AT_ONCE)):
            push = client.rpush if self._random.random() < 0.5 else client.lpush
            push(queue_list, raw)
        self._tell("copies of messages")
        return True

    def _victim(self, names: list[str]) -> list[int] | None:
        """A worker that is whole, awake, at work if one is, and at no part that was struck before; the parent first."""
        self._journal.read()
        whole = [self._fleet.pids(name) for name in names if name not in self.frozen()]
        self._look_who_holds()
        fit = [pids for pids in whole if len(pids) > 1 and not self._at_stake(pids) & self._struck]
        busy = [pids for pids in fit if self._computing(pids)]
        return self._random.choice(busy or fit) if fit else None

    def _at_stake(self, pids: list[int]) -> set[str]:
        """What its death may cost an attempt: texts by their digests, and tasks by their ids."""
        return self._computing(pids).union(*(self._held.get(pid, set()) for pid in pids))

    def _look_who_holds(self) -> None:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self._fleet.redis.url) as client:
            found: dict[int, set[str]] = {}
            for entry in client.hvals(keys.HELD):
                holder, _, raw = entry.split(b"\n", 2)
                with contextlib.suppress(ValueError, LookupError):  # not a task's message
                    found.setdefault(int(holder.split(b":")[-2]), set()).add(json.loads(raw)["headers"]["id"])
            self._held = found

    def _computing(self, pids: list[int]) -> set[str]:
        return {run.text for run in self._journal.open_runs if run.pid in pids}

    def _strike(self, kind: str, at_s: float, pids: frozenset[int], until_s: float | None) -> None:
        self._journal.read()
        self._struck |= self._at_stake(list(pids))
        self.strikes.append(Strike(kind, at_s, pids, until_s))
        self._tell(f"{kind} {min(pids)}")
