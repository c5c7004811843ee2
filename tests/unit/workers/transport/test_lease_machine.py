"""Whatever two workers and a dead one do in whatever order: each message is in exactly one place."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, ClassVar

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tasks.redis import keys
from tests.unit.workers.transport.conftest import message
from workers.transport.leases import Leases

LISTS = ["q", "q\x06\x163"]
TAGS = st.sampled_from(["t1", "t2", "t3"])
HOLDERS = st.sampled_from(["brief", "long"])
LEASE_S = 60.0
"""Longer than the test takes: what ends is decided by a step, not by how fast the machine is."""


class LeaseMachine(RuleBasedStateMachine):
    """The model: which messages (by their bodies) must still be somewhere. `url` is set by the test."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.client: Any = redis.Redis.from_url(self.url, decode_responses=True)
        self.client.flushall()
        self.leases = {name: Leases(redis.Redis.from_url(self.url), LEASE_S, name) for name in ("brief", "long")}
        self.expected: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        self.client.close()
        for leases in self.leases.values():
            leases.client.close()

    @rule(tag=TAGS, name=st.sampled_from(LISTS))
    def send(self, tag: str, name: str) -> None:
        """Tags are used again and again; the number in the body is not."""
        self.count += 1
        self.client.lpush(name, message(args=(self.count,), tag=tag))
        self.expected.add(self._body_of(self.client.lindex(name, 0)))

    @rule(tag=TAGS, name=st.sampled_from(LISTS), eta=st.sampled_from(["2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"]))
    def send_with_eta(self, tag: str, name: str, eta: str) -> None:
        """A time that is past, or to come."""
        self.count += 1
        self.client.lpush(name, message(args=(self.count,), tag=tag, eta=eta))
        self.expected.add(self._body_of(self.client.lindex(name, 0)))

    @rule(name=st.sampled_from(LISTS))
    def send_rubbish(self, name: str) -> None:
        self.client.lpush(name, "rubbish")

    @rule(holder=HOLDERS, k=st.integers(0, 4))
    def reserve(self, holder: str, k: int) -> None:
        before = self._waiting()
        reserved = self.leases[holder].reserve(LISTS, k)
        left = self._waiting()
        assert before - left == len(reserved.taken) + len(reserved.set_aside)
        assert len(reserved.taken) <= k

    @rule(holder=HOLDERS, data=st.data())
    def ack(self, holder: str, data: st.DataObject) -> None:
        """What was still ours is gone; what was not stays where it is."""
        if not (in_hand := self.leases[holder].held_keys()):
            return
        key = data.draw(st.sampled_from(in_hand))
        entry = self.client.hget(keys.HELD, key)
        self.leases[holder].ack(key)
        self.leases[holder].flush()
        if entry and entry.startswith(holder + "\n"):
            self.expected.discard(self._body_of(entry.split("\n", 2)[2]))

    @rule(holder=HOLDERS, data=st.data())
    def give_back(self, holder: str, data: st.DataObject) -> None:
        chosen = data.draw(st.sets(st.sampled_from(self.leases[holder].held_keys() or ("none",))))
        self.leases[holder].give_back([key for key in self.leases[holder].held_keys() if key in chosen])
        self.leases[holder].flush()

    @rule(holder=HOLDERS)
    def renew(self, holder: str) -> None:
        leases = self.leases[holder]
        ours = {key for key, entry in self.client.hgetall(keys.HELD).items() if entry.startswith(holder + "\n")}
        assert leases.renew(leases.held_keys()) == set(leases.held_keys()) - ours

    @rule()
    def brief_leases_end(self) -> None:
        """Time passes, as far as the short leases are concerned."""
        for key, entry in self.client.hgetall(keys.HELD).items():
            if entry.startswith("brief\n"):
                self.client.zadd(keys.LEASES, {key: 1}, xx=True)

    @rule(holder=HOLDERS, limit=st.integers(1, 3))
    def reclaim(self, holder: str, limit: int) -> None:
        assert set(self.leases[holder].reclaim(limit)) <= {"brief"}

    @invariant()
    def each_message_is_in_exactly_one_place(self) -> None:
        queued = [raw for name in LISTS for raw in self.client.lrange(name, 0, -1) if raw != "rubbish"]
        held = self.client.hgetall(keys.HELD)
        delayed = [entry.split("\n", 1)[1] for entry in self.client.zrange(keys.DELAYED, 0, -1)]
        handed_out = [entry.split("\n", 2)[2] for entry in held.values()]
        found = Counter(self._body_of(raw) for raw in [*queued, *handed_out, *delayed])
        assert found == Counter(self.expected)
        assert set(held) == set(self.client.zrange(keys.LEASES, 0, -1))

    def _waiting(self) -> int:
        return sum(int(self.client.llen(name)) for name in LISTS) + int(self.client.zcard(keys.DELAYED))

    @staticmethod
    def _body_of(raw: str) -> str:
        return str(json.loads(raw)["body"])


def test_each_message_stays_in_exactly_one_place(broker: str) -> None:
    checks = settings(max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    LeaseMachine.url = broker
    run_state_machine_as_test(LeaseMachine, settings=checks)
