"""What one worker at a time does for all, step by step."""

from __future__ import annotations

from typing import Any

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import ttl_ms
from tasks.flow.ledger.upkeep import REPLY_QUEUE_TTL_S
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import opened


def test_one_worker_is_the_sweeper_for_its_term(ledger: Ledger, raw_redis: Any) -> None:
    assert ledger.upkeep.is_sweeper("first", 60_000)
    assert not ledger.upkeep.is_sweeper("second", 60_000)
    assert ledger.upkeep.is_sweeper("first", 90_000)
    assert raw_redis.pttl(keys.SWEEPER) > 60_000, "a pass makes its term last"
    raw_redis.delete(keys.SWEEPER)
    assert ledger.upkeep.is_sweeper("second", 60_000)


def test_a_turn_costs_one_round_trip_whoever_has_it(ledger: Ledger, raw_redis: Any) -> None:
    ledger.upkeep.is_sweeper("first", 60_000)
    asked: list[str] = []
    with raw_redis.monitor() as monitor:
        assert [ledger.upkeep.is_sweeper(token, 60_000) for token in ("first", "second")] == [True, False]
        raw_redis.ping()
        while not asked or asked[-1] != "PING":
            heard = monitor.next_command()
            asked += [heard["command"].split()[0]] if heard["client_type"] != "lua" else []
    assert [name for name in asked if name not in ("HELLO", "CLIENT")] == ["EVALSHA", "EVALSHA", "PING"]


def test_failures_are_forgotten_when_their_jobs_are(ledger: Ledger, raw_redis: Any) -> None:
    oldest_ms = ledger.upkeep.oldest_ms()
    assert abs(oldest_ms + ttl_ms() - raw_redis.time()[0] * 1000) < 60_000
    raw_redis.zadd(keys.FAILED, {"old.1": oldest_ms - 1, "young.1": oldest_ms + 60_000})
    assert ledger.upkeep.trim_failed(oldest_ms) == 1
    assert raw_redis.zrange(keys.FAILED, 0, -1) == [b"young.1"]


def test_a_job_whose_record_has_expired_leaves_the_listing(ledger: Ledger, raw_redis: Any) -> None:
    gone, kept = opened(ledger, 1), opened(ledger, 1)
    raw_redis.delete(keys.job(gone))
    assert ledger.upkeep.trim_jobs(100) == 1
    assert raw_redis.zrange(keys.JOBS, 0, -1) == [kept.encode()]


def test_a_reply_queue_gets_an_end_and_keeps_the_one_that_it_has(ledger: Ledger, raw_redis: Any) -> None:
    raw_redis.rpush("new.reply.celery.pidbox", "answer")
    raw_redis.rpush("old.reply.celery.pidbox", "answer")
    raw_redis.expire("old.reply.celery.pidbox", 7)
    raw_redis.rpush("queue", "message")
    cursor = ledger.upkeep.expire_reply_queues(0, 1000)
    assert cursor == 0, "all keys were looked at"
    assert 7 < raw_redis.ttl("new.reply.celery.pidbox") <= REPLY_QUEUE_TTL_S
    assert raw_redis.ttl("old.reply.celery.pidbox") <= 7
    assert raw_redis.ttl("queue") == -1
