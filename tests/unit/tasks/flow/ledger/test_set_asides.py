"""Messages set aside: kept whole with their reason, sent again once, forgotten when they are old."""

from __future__ import annotations

import json
from typing import Any

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Taken
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import claim

MESSAGE = '{"headers":{"id":"alone"},"body":"ế"}'


def test_an_entry_says_why_and_when_and_holds_the_message_as_it_came(ledger: Ledger, raw_redis: Any) -> None:
    ledger.set_asides.add("queue", "its worker died", MESSAGE)
    (entry,) = ledger.set_asides.latest(10)
    head, _, message = entry.partition(b"\n")
    about = json.loads(head)
    assert (about["queue"], about["reason"]) == ("queue", "its worker died")
    assert abs(about["time"] / 1000 - raw_redis.time()[0]) < 60
    assert message == MESSAGE.encode()


def test_the_latest_entries_come_in_their_order(ledger: Ledger) -> None:
    for reason in ("one", "two", "three"):
        ledger.set_asides.add("queue", reason, "{}")
    reasons = [json.loads(entry.partition(b"\n")[0])["reason"] for entry in ledger.set_asides.latest(2)]
    assert reasons == ["two", "three"]


def test_a_message_is_sent_again_once_with_all_its_attempts(ledger: Ledger, raw_redis: Any) -> None:
    for _ in range(3):
        claim(ledger, "a", "tag", ("queue", "copy"), ("alone", 0))
    ledger.set_asides.add("queue", "its worker died", MESSAGE)
    (entry,) = ledger.set_asides.latest(10)
    assert ledger.set_asides.resend(entry, "queue", MESSAGE.encode()) == 1
    assert ledger.set_asides.resend(entry, "queue", MESSAGE.encode()) == 0
    assert raw_redis.lrange("queue", 0, -1) == [MESSAGE.encode()]
    assert claim(ledger, "a", "tag", ("queue", "copy"), ("alone", 0)) == 1


def test_a_message_that_killed_before_it_was_claimed_has_all_its_attempts_again(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.claims.note_loss("tag", ("alone", 0), "signal 9 (SIGKILL)", is_early=True)
    ledger.set_asides.add("queue", "its worker died", MESSAGE)
    (entry,) = ledger.set_asides.latest(10)
    ledger.set_asides.resend(entry, "queue", MESSAGE.encode())
    (taken,) = ledger.claims.take_all([("alone", 0)], ["request"])
    assert isinstance(taken, Taken)
    assert (taken.runs, taken.early) == (0, 0)


def test_a_message_that_is_no_json_can_be_sent_again(ledger: Ledger, raw_redis: Any) -> None:
    raw_redis.rpush(keys.SET_ASIDE, b'{"queue":"queue","reason":"no JSON","time":1}\nrubbish')
    (entry,) = ledger.set_asides.latest(10)
    assert ledger.set_asides.resend(entry, "queue", b"rubbish") == 1


def test_trimming_stops_at_what_is_young_and_at_its_limit(ledger: Ledger, raw_redis: Any) -> None:
    for time_ms in (1000, 2000, 3000):
        raw_redis.rpush(keys.SET_ASIDE, f'{{"queue":"q","reason":"r","time":{time_ms}}}\nmessage')
    assert ledger.set_asides.trim(oldest_ms=2500, limit=1) == 1
    assert ledger.set_asides.trim(oldest_ms=2500, limit=10) == 1
    assert len(ledger.set_asides.latest(10)) == 1


def test_the_list_is_bounded_in_bytes_and_counts_what_gave_way(ledger: Ledger, raw_redis: Any) -> None:
    for number in range(3):
        ledger.set_asides.add("queue", f"number {number}", "x" * 30_000_000)
    reasons = [json.loads(entry.partition(b"\n")[0])["reason"] for entry in ledger.set_asides.latest(10)]
    assert reasons == ["number 1", "number 2"]
    assert ledger.set_asides.dropped() == 1
    assert int(raw_redis.hget(keys.SET_ASIDE_ABOUT, "bytes")) == sum(map(len, ledger.set_asides.latest(10)))


def test_a_message_that_is_larger_than_the_bound_is_kept_alone(ledger: Ledger) -> None:
    ledger.set_asides.add("queue", "small", "{}")
    ledger.set_asides.add("queue", "large", "x" * 70_000_000)
    assert (len(ledger.set_asides.latest(10)), ledger.set_asides.dropped()) == (1, 1)


def test_what_is_sent_again_or_forgotten_makes_room_and_an_empty_list_has_dropped_nothing(
    ledger: Ledger, raw_redis: Any
) -> None:
    for number in range(3):
        ledger.set_asides.add("queue", f"number {number}", MESSAGE)
    raw_redis.hset(keys.SET_ASIDE_ABOUT, "dropped", 7)
    first, second, third = ledger.set_asides.latest(10)
    ledger.set_asides.resend(first, "queue", MESSAGE.encode())
    assert ledger.set_asides.forget(second) == 1
    assert ledger.set_asides.forget(second) == 0
    ledger.set_asides.forget_dropped()
    assert (raw_redis.hget(keys.SET_ASIDE_ABOUT, "bytes"), ledger.set_asides.dropped()) == (b"%d" % len(third), 7)
    ledger.set_asides.forget(third)
    ledger.set_asides.forget_dropped()
    assert ledger.set_asides.dropped() == 0
