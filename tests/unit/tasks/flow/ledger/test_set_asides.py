"""Messages set aside: kept whole with their reason, sent again once, forgotten when they are old."""

from __future__ import annotations

import json
from typing import Any

from tasks.flow.ledger import Ledger
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
