"""Leases against a real Redis: each message in exactly one place, whoever does what when."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from tasks.redis import keys
from tasks.redis.rights import WORKER
from tasks.routing import list_keys
from tests.fixtures.redis_users import RedisUser
from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.transport.conftest import end_leases, in_s, message
from workers.stack.embedded_redis import EmbeddedRedis
from workers.transport.leases import Leases

LeasesFor = Callable[..., Leases]


def _tags(client: Any, name: str = "q") -> list[str]:
    """The tags in a queue's list, the next to be taken first."""
    return [json.loads(raw)["properties"]["delivery_tag"] for raw in reversed(client.lrange(name, 0, -1))]


def _send(client: Any, *tags: str, name: str = "q", **headers: Any) -> None:
    for tag in tags:
        client.lpush(name, message(tag=tag, **headers))


def _is_past(client: Any, eta: str) -> bool:
    return bool(in_s(client, -0.001) > eta)


def test_a_reserved_message_is_held_and_leased_and_in_no_list(redis_client: Any, leases_for: LeasesFor) -> None:
    _send(redis_client, "a", "b", "c")
    one = leases_for("one")
    reserved = one.reserve(["q"], 2)
    assert [held.key for held in reserved.taken] == ["a", "b"]
    assert reserved.more
    assert _tags(redis_client) == ["c"]
    holder, came_from, raw = redis_client.hget(keys.HELD, "a").split("\n", 2)
    assert (holder, came_from, json.loads(raw)["properties"]["delivery_tag"]) == ("one", "q", "a")
    seconds, _ = redis_client.time()
    assert redis_client.zscore(keys.LEASES, "a") == pytest.approx((seconds + 30) * 1000, abs=2000)
    assert one.held_keys() == ("a", "b")


def test_the_most_urgent_list_is_emptied_first(redis_client: Any, leases_for: LeasesFor) -> None:
    lists = list_keys("q")
    for number, name in enumerate(lists):
        _send(redis_client, f"{number}", name=name)
    taken = leases_for().reserve(lists, 3).taken
    assert [held.key for held in taken] == ["0", "1", "2"]


def test_an_acknowledgement_travels_with_the_next_reserve(redis_client: Any, leases_for: LeasesFor) -> None:
    _send(redis_client, "a", "b")
    one = leases_for()
    one.reserve(["q"], 1)
    one.ack("a")
    assert redis_client.hexists(keys.HELD, "a")
    one.reserve(["q"], 1)
    assert redis_client.hkeys(keys.HELD) == ["b"]
    assert redis_client.zrange(keys.LEASES, 0, -1) == ["b"]


def test_two_messages_with_one_tag_are_two(redis_client: Any, leases_for: LeasesFor) -> None:
    _send(redis_client, "a", "a", "a")
    one = leases_for()
    assert [held.key for held in one.reserve(["q"], 3).taken] == ["a", "a#2", "a#3"]
    one.ack("a#2")
    one.flush()
    assert sorted(redis_client.hkeys(keys.HELD)) == ["a", "a#3"]


RUBBISH = {
    "no JSON": "rubbish",
    "a JSON number": "12",
    "null": "null",
    "no properties": json.dumps({"body": "", "headers": {}}),
    "properties of another kind": json.dumps({"properties": []}),
    "no tag": json.dumps({"properties": {"delivery_info": {}}}),
    "no delivery_info": json.dumps({"properties": {"delivery_tag": "x"}}),
    "nested beyond reason": "[" * 5000,
    "bytes": b"\x00\xff\n\x80",
}


@pytest.mark.parametrize("raw", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_is_set_aside_as_it_came_and_what_is_behind_it_is_taken(
    raw: str | bytes, broker: str, redis_client: Any, leases_for: LeasesFor
) -> None:
    redis_client.lpush("q", raw)
    _send(redis_client, "a")
    reserved = leases_for().reserve(["q"], 1)
    assert [held.key for held in reserved.taken] == ["a"]
    assert [refused.queue_list for refused in reserved.set_aside] == ["q"]
    with redis.Redis.from_url(broker) as client:
        head, kept = client.lindex(keys.SET_ASIDE, 0).split(b"\n", 1)
    assert kept == (raw if isinstance(raw, bytes) else raw.encode())
    said = json.loads(head)
    assert said["queue"] == "q"
    assert said["reason"] == reserved.set_aside[0].reason


def test_a_list_full_of_rubbish_is_cleared_in_bounded_steps(redis_client: Any, leases_for: LeasesFor) -> None:
    redis_client.lpush("q", *["rubbish"] * 250)
    _send(redis_client, "a")
    one = leases_for()
    steps = 0
    while not one.held_keys():
        assert one.reserve(["q"], 10).more or one.held_keys()
        steps += 1
    assert steps == 3
    assert redis_client.llen(keys.SET_ASIDE) == 250


def test_what_is_given_back_is_taken_next_in_its_old_order(redis_client: Any, leases_for: LeasesFor) -> None:
    _send(redis_client, *"abcde")
    one = leases_for()
    one.reserve(["q"], 3)
    one.give_back(["c", "a"])
    one.give_back(["b"])
    one.flush()
    assert _tags(redis_client) == list("abcde")
    assert not one.held_keys()
    assert not redis_client.exists(keys.HELD, keys.LEASES)


def test_ended_leases_are_reclaimed_to_the_front_in_order_over_several_calls(
    redis_client: Any, leases_for: LeasesFor
) -> None:
    tags = [f"{n:02}" for n in reversed(range(12))]
    _send(redis_client, *tags, "last")
    dead = leases_for("dead")
    dead.reserve(["q"], 12)
    dead.renew(dead.held_keys())
    end_leases(redis_client, *tags)
    other = leases_for("other")
    moved = []
    while batch := other.reclaim(5):
        moved += batch
    assert moved == ["dead"] * 12
    assert _tags(redis_client) == [*tags, "last"]


def test_a_lease_that_has_not_ended_is_nobody_elses(redis_client: Any, leases_for: LeasesFor) -> None:
    _send(redis_client, "a")
    leases_for("one").reserve(["q"], 1)
    other = leases_for("other")
    assert other.reclaim(10) == []
    other.ack("a")
    other.give_back(["a"])
    other.flush()
    assert not other.set_aside("a", "not mine")
    assert other.renew(["a"]) == {"a"}
    assert redis_client.hget(keys.HELD, "a").startswith("one\n")


def test_after_a_lost_lease_renewing_says_so_and_a_late_ack_changes_nothing(
    redis_client: Any, leases_for: LeasesFor
) -> None:
    _send(redis_client, "a")
    late, other = leases_for("late"), leases_for("other")
    late.reserve(["q"], 1)
    end_leases(redis_client, "a")
    assert other.reclaim(10) == ["late"]
    assert other.reserve(["q"], 1).taken[0].key == "a"
    assert late.renew(["a"]) == {"a"}
    late.ack("a")
    late.flush()
    assert redis_client.hget(keys.HELD, "a").startswith("other\n")


def test_acks_and_returns_wait_for_redis_to_come_back(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, append_only=True) as server, redis.Redis.from_url(server.url) as client:
        for tag in ("done", "dropped"):
            client.lpush("q", message(tag=tag))
        one = Leases(client, 30.0)
        one.reserve(["q"], 2)
        server.stop()
        one.ack("done")
        one.give_back(["dropped"])
        with pytest.raises(redis.ConnectionError):
            one.flush()
        assert one.has_unsent
        server.start()
        one.flush()
        assert not one.has_unsent
        assert client.hlen(keys.HELD) == 0
        assert client.llen("q") == 1


def test_a_redis_without_memory_left_still_hands_out_renews_and_takes_back(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(server.url, decode_responses=True) as client:
        _send(client, "later", eta="2100-01-01T00:00:00Z")
        _send(client, *"abcd")
        client.zadd(keys.DELAYED, {f"q\n{message(tag='due')}": 1})
        client.config_set("maxmemory", 1)
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            _send(client, "e")
        one = Leases(redis.Redis.from_url(server.url), 30.0)
        one.reserve(["q"], 4)
        assert one.renew(one.held_keys()) == set()
        one.ack("due")
        one.ack("a")
        one.give_back(["b", "c"])
        one.flush()
        assert _tags(client) == ["b", "c", "d"]
        assert client.zcard(keys.DELAYED) == 1
        assert not client.exists(keys.HELD)
        one.client.close()


def test_a_message_whose_eta_is_to_come_is_kept_in_redis_and_what_is_behind_it_is_taken(
    redis_client: Any, leases_for: LeasesFor
) -> None:
    _send(redis_client, "later", eta="2100-01-01T07:00:00.250+07:00")
    _send(redis_client, "odd", eta="2100-01-01T00:00:00Z", id="x:states")
    redis_client.set(keys.states("x"), "q")
    _send(redis_client, "half", eta="2100-01-01T00:00:00", argsrepr="\ud800")
    _send(redis_client, "past", eta="2020-01-01T00:00:00+00:00")
    _send(redis_client, "unread", eta="tomorrow")
    _send(redis_client, "a")
    one = leases_for()
    assert [held.key for held in one.reserve(["q"], 3).taken] == ["past", "unread", "a"]
    delayed = redis_client.zrange(keys.DELAYED, 0, -1, withscores=True)
    due = {json.loads(entry.split("\n", 1)[1])["properties"]["delivery_tag"]: at for entry, at in delayed}
    assert due == {"later": 4102444800250, "odd": 4102444800000, "half": 4102444800000}
    assert all(entry.startswith("q\n") for entry, _ in delayed)
    assert redis_client.hlen(keys.HELD) == 3


def test_what_is_due_is_sent_by_any_reader_and_runs_by_priority_then_by_eta(
    redis_client: Any, leases_for: LeasesFor, wait_until: WaitUntil
) -> None:
    lists = list_keys("q")
    etas = {tag: in_s(redis_client, 0.3 + n / 1000) for n, tag in enumerate("abcd")}
    for tag, name in (("d", lists[0]), ("c", lists[1]), ("b", lists[0]), ("a", lists[1])):
        _send(redis_client, tag, name=name, eta=etas[tag])
    one = leases_for("one")
    assert not one.reserve(lists, 9).taken
    _send(redis_client, "now")
    wait_until(lambda: _is_past(redis_client, etas["d"]), what="the last eta")
    assert not leases_for("other").reserve(["another queue"], 1).taken
    assert redis_client.zcard(keys.DELAYED) == 0
    assert [held.key for held in one.reserve(lists, 9).taken] == ["now", "b", "d", "a", "c"]


def test_many_that_are_delayed_are_moved_in_bounded_steps(redis_client: Any, leases_for: LeasesFor) -> None:
    _send(redis_client, *(str(n) for n in range(250)), eta="2100-01-01T00:00:00Z")
    one = leases_for()
    assert [one.reserve(["q"], 10).more for _ in range(3)] == [True, True, False]
    assert redis_client.zcard(keys.DELAYED) == 250


def test_a_message_that_was_cancelled_is_not_delayed_but_taken_so_that_it_can_end(
    redis_client: Any, leases_for: LeasesFor
) -> None:
    redis_client.hset(keys.job("cancelled"), "outcome", "REVOKED")
    _send(redis_client, "a", id="cancelled", eta="2100-01-01T00:00:00Z")
    assert [held.key for held in leases_for().reserve(["q"], 1).taken] == ["a"]


def test_what_is_due_but_cannot_be_sent_is_set_aside_and_stops_no_reader(
    redis_client: Any, leases_for: LeasesFor
) -> None:
    redis_client.zadd(keys.DELAYED, {f"{keys.LEASES}\nmessage": 1, "no list": 1})
    redis_client.zadd(keys.LEASES, {"any": 1})
    _send(redis_client, "a")
    assert [held.key for held in leases_for().reserve(["q"], 1).taken] == ["a"]
    assert redis_client.zcard(keys.DELAYED) == 0
    head, kept = redis_client.lindex(keys.SET_ASIDE, 0).split("\n", 1)
    assert json.loads(head)["queue"] == keys.LEASES
    assert kept == "message"
    assert int(redis_client.hget(keys.SET_ASIDE_ABOUT, "bytes")) == len(f"{head}\n{kept}"), "it counts for the bound"


def test_what_this_user_may_not_send_stays_delayed_for_one_who_may(redis_client: Any, redis_user: RedisUser) -> None:
    redis_client.zadd(keys.DELAYED, {"forbidden\nmessage": 1})
    _send(redis_client, "a")
    with redis.Redis.from_url(redis_user("some", *WORKER.rights(0, ["q"]))) as client:
        assert [held.key for held in Leases(client, 30.0, "one").reserve(["q"], 1).taken] == ["a"]
    assert redis_client.zscore(keys.DELAYED, "forbidden\nmessage") > redis_client.time()[0] * 1000 - 60_000
    assert not redis_client.exists(keys.SET_ASIDE, "forbidden")


def test_of_a_paused_queue_nothing_is_taken_of_any_priority_and_others_go_on(
    redis_client: Any, leases_for: LeasesFor
) -> None:
    for n, name in enumerate([*list_keys("q"), *list_keys("other")]):
        _send(redis_client, f"{n}", name=name)
    redis_client.hset(keys.PAUSED, "q", "{}")
    one = leases_for()
    reserved = one.reserve([*list_keys("q"), *list_keys("other")], 9)
    assert ([held.key for held in reserved.taken], reserved.paused) == (["4", "5", "6", "7"], True)
    reserved = one.reserve(list_keys("q"), 9)
    assert (reserved.taken, reserved.paused, reserved.more) == ([], True, False)
    redis_client.hdel(keys.PAUSED, "q")
    reserved = one.reserve(list_keys("q"), 9)
    assert ([held.key for held in reserved.taken], reserved.paused) == (["0", "1", "2", "3"], False)


def test_redis_clock_counts_whatever_this_hosts_clock_says(
    redis_client: Any, leases_for: LeasesFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = leases_for()
    one.reserve(["q"], 1)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert one.redis_time == pytest.approx(float(redis_client.time()[0]), abs=60)


def test_messages_that_nobody_can_read_do_not_fill_redis(raw_redis: Any) -> None:
    leases = Leases(raw_redis, lease_s=30)
    for number in range(2):
        raw_redis.lpush("q", f"rubbish {number}")
        leases.reserve(["q"], 1)
    raw_redis.hset(keys.SET_ASIDE_ABOUT, "bytes", 64 * 1024 * 1024 - 150)
    raw_redis.lpush("q", "rubbish 2" + " " * 100)
    leases.reserve(["q"], 1)
    kept = [entry.partition(b"\n")[2].strip() for entry in raw_redis.lrange(keys.SET_ASIDE, 0, -1)]
    assert kept == [b"rubbish 1", b"rubbish 2"]
    assert raw_redis.hget(keys.SET_ASIDE_ABOUT, "dropped") == b"1"
