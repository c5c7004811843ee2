"""What a slot tells the others of its models: it replaces what it told before, and holds for a while only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.redis import keys
from workers.transport.holdings import HOLDS_S, THE_MODEL, Holding, Holdings


@pytest.fixture
def told(redis_client: Any) -> Holdings:
    return Holdings(redis_client, "me", "q", 60.0)


def holders(client: Any, word: str) -> list[str]:
    found: list[str] = client.zrange(keys.loaded("q", word), 0, -1)
    return found


def test_what_is_told_replaces_what_was_told_before(told: Holdings, redis_client: Any) -> None:
    told.tell(Holding(frozenset({"a", "b"}), 3, 1.5))
    told.tell(Holding(frozenset({"b", "c"}), 2))
    assert [holders(redis_client, word) for word in "abc"] == [[], ["me"], ["me"]]
    assert redis_client.get(keys.load_time("q")) == "1500", "the time of a load is what was measured last"
    assert 0 < redis_client.pttl(keys.load_time("q")) <= 60_000


def test_it_holds_for_a_while_and_its_keys_do_not_stay(told: Holdings, redis_client: Any) -> None:
    told.tell(Holding(frozenset({"a"}), 3))
    seconds, _ = redis_client.time()
    assert redis_client.zscore(keys.loaded("q", "a"), "me") == pytest.approx((seconds + HOLDS_S) * 1000, abs=2000)
    for key in (keys.loaded("q", "a"), keys.room("q")):
        assert redis_client.pttl(key) > 0


def test_who_has_no_model_any_more_is_named_nowhere(told: Holdings, redis_client: Any) -> None:
    told.tell(Holding(frozenset({"a"}), 3))
    told.tell(Holding())
    told.tell(Holding(frozenset({THE_MODEL})))
    assert (holders(redis_client, "a"), holders(redis_client, THE_MODEL)) == ([], ["me"])
    assert not redis_client.exists(keys.room("q"))


def test_what_a_killed_slot_told_is_forgotten_when_the_next_one_starts(redis_client: Any) -> None:
    seconds, _ = redis_client.time()
    ends = {"dead": seconds - 61, "away": seconds - 10, "alive": seconds + 10}
    for slot, until in ends.items():
        redis_client.hset(keys.room("q"), slot, json.dumps({"until_ms": until * 1000, "room": 1}))
    new = Holdings(redis_client, "new", "q", 60.0)
    new.tell(Holding(frozenset({"a"}), 3))
    assert set(redis_client.hkeys(keys.room("q"))) == {"away", "alive", "new"}
