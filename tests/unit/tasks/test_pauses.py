"""The record of paused models: who paused what, and since when."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks import pauses
from tasks.flow.ledger import Ledger
from tasks.pauses import Pause
from tasks.redis import keys


def test_a_model_is_paused_once_and_resumed_once(raw_redis: Any) -> None:
    seconds, _ = raw_redis.time()
    assert pauses.pause(raw_redis, "giọng", "me@here")
    assert not pauses.pause(raw_redis, "giọng", "you@there")
    (pause,) = pauses.paused(raw_redis).values()
    assert (pause.model, pause.by) == ("giọng", "me@here")
    assert pause.since == pytest.approx(seconds, abs=60)
    assert Ledger(raw_redis).queries.is_paused("giọng")
    assert pauses.resume(raw_redis, "giọng")
    assert not pauses.resume(raw_redis, "giọng")
    assert pauses.paused(raw_redis) == {}


@pytest.mark.parametrize("raw", ["", "rubbish", "[]", "{}", '{"since_ms": "soon"}'])
def test_whatever_its_record_says_a_model_is_paused(raw_redis: Any, raw: str) -> None:
    raw_redis.hset(keys.PAUSED, "a", raw)
    assert pauses.paused(raw_redis) == {"a": Pause("a", 0.0, "")}
    assert Pause("a", 0.0, "").words() == "a is paused"


def test_the_words_say_since_when_and_by_whom(raw_redis: Any) -> None:
    raw_redis.hset(keys.PAUSED, "b", json.dumps({"since_ms": 1000, "by": "me@here", "of a newer version": 1}))
    raw_redis.hset(keys.PAUSED, "a", "{}")
    first, second = pauses.paused(raw_redis).values()
    assert (first.model, second.since) == ("a", 1.0)
    assert second.words().startswith("b is paused since 19")
    assert second.words().endswith(" by me@here")
    assert second.fields() == {"model": "b", "since": 1.0, "by": "me@here"}
