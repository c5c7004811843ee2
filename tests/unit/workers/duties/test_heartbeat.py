"""What a worker writes of itself at each beat; what is judged healthy stands in `tests/unit/tasks/test_health.py`."""

from __future__ import annotations

import logging
import os
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from tasks import health
from tasks.catalog import catalog
from tasks.redis.refusals import words
from tasks.redis.rights import WORKER
from tests.fixtures.redis_users import RedisUser
from tests.unit.workers.parent.small_slot import SmallSlot
from workers.duties import heartbeat
from workers.duties.heartbeat import Heartbeat
from workers.parent.failure_streak import FailureStreak
from workers.transport.qos import LeasingQoS


@pytest.fixture
def consumer(raw_redis: Any) -> Any:
    """A flow worker's consumer, as the duty knows it."""
    app = SimpleNamespace(backend=SimpleNamespace(client=raw_redis))
    nowhere: Any = None
    channel = SimpleNamespace(qos=LeasingQoS(nowhere))
    reads = SimpleNamespace(consuming_from=lambda queue: queue == "flow", channel=channel)
    controller = SimpleNamespace(setup=SimpleNamespace(store_id="the store"))
    parts = {"pool": object(), "timer": None, "task_consumer": reads, "controller": controller}
    return SimpleNamespace(app=app, hostname="one@here", task_buckets={}, **parts)


def test_a_flow_workers_beat_says_who_it_is_and_what_waits_in_every_priority(consumer: Any, raw_redis: Redis) -> None:
    raw_redis.lpush("flow", "first")
    raw_redis.lpush("flow\x06\x163", "later")
    Heartbeat(consumer).step()
    (standing,) = health.read(raw_redis)
    beat = standing.beat
    assert (beat.worker, beat.model, beat.state, beat.pid) == ("one@here", None, "running", os.getpid())
    assert (beat.waiting, beat.child_alive, beat.stall_s, beat.reads) == (2, True, None, True)
    assert beat.store == "the store"
    assert standing.why == ""


def test_a_slots_beat_says_how_its_model_and_its_child_are(
    consumer: Any, raw_redis: Redis, slot: SmallSlot, pool: Any
) -> None:
    pool.failure_streak = FailureStreak()
    consumer.pool = pool
    raw_redis.lpush(pool.spec.entry.name, "text")
    duty = Heartbeat(consumer)
    duty.step()
    (alive,) = health.read(raw_redis)
    assert (alive.beat.model, alive.beat.waiting, alive.beat.child_alive) == (pool.spec.entry.name, 1, True)
    slot.child.has_child = False
    duty.step()
    (dead,) = health.read(raw_redis)
    assert dead.why.startswith("its child is gone")


def test_a_slot_whose_child_is_replaced_for_its_memory_is_not_unhealthy(
    consumer: Any, raw_redis: Redis, slot: SmallSlot, pool: Any
) -> None:
    pool.failure_streak = FailureStreak()
    consumer.pool, consumer.task_consumer.consuming_from = pool, lambda queue: True
    slot.supervisor.recycling.is_reloading, slot.child.has_child = True, False
    duty = Heartbeat(consumer)
    duty.step()
    (planned,) = health.read(raw_redis)
    assert (planned.beat.state, planned.why) == ("recycling", "")
    slot.supervisor.restarts.load_failed(permanent=False)
    duty.step()
    (failed,) = health.read(raw_redis)
    assert failed.why.startswith("its child is gone")


def test_a_worker_that_holds_back_what_a_rate_limit_forbids_is_not_stuck(
    consumer: Any, raw_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw_redis.lpush("flow", "first")
    duty = Heartbeat(consumer)
    now = 1000.0
    monkeypatch.setattr(heartbeat, "monotonic", lambda: now)
    duty.step()
    now += 60.0
    consumer.task_buckets["a.task"] = SimpleNamespace(contents=[("a request", 1)])
    duty.step()
    assert health.read(raw_redis)[0].why == ""
    consumer.task_buckets["a.task"] = None
    now += 60.0
    duty.step()
    assert health.read(raw_redis)[0].why.startswith("idle for 60 s though 1 message waits")


def test_a_worker_whose_queue_was_cancelled_says_so(consumer: Any, raw_redis: Redis) -> None:
    consumer.task_consumer.consuming_from = lambda queue: False
    raw_redis.lpush("flow", "first")
    Heartbeat(consumer).step()
    (standing,) = health.read(raw_redis)
    assert standing.why.startswith("it reads no queue since `cancel_consumer`")


def test_a_worker_that_ends_as_planned_leaves_no_beat(consumer: Any, raw_redis: Redis) -> None:
    duty = Heartbeat(consumer)
    duty.step()
    duty.stop(consumer)
    assert health.read(raw_redis), "its pool may still finish its work"
    duty.shutdown(consumer)
    assert health.read(raw_redis) == []


def test_a_right_that_was_taken_away_is_logged_once_and_makes_the_worker_unhealthy(
    consumer: Any, raw_redis: Redis, redis_user: RedisUser, caplog: pytest.LogCaptureFixture
) -> None:
    every = WORKER.rights(0, catalog())
    caplog.set_level(logging.INFO)
    qos = consumer.task_consumer.channel.qos
    with Redis.from_url(redis_user("worker", *every)) as client:
        consumer.app.backend.client = client
        duty = Heartbeat(consumer)
        duty.run_step()
        redis_user("worker", *(right for right in every if right not in ("+zadd", "+evalsha")))
        refuse(client)
        for _ in range(2):
            duty.run_step()
        (standing,) = health.read(raw_redis)
        assert qos.is_resting, "what it takes now it could not finish"
        redis_user("worker", *every)
        duty.run_step()
        assert not qos.is_resting
        (again,) = health.read(raw_redis)
    lacking = "the Redis user 'worker' lacks rights that a worker needs: +evalsha +zadd (docs/redis.md, «Rights»)"
    assert (standing.why, again.why) == (lacking, "")
    assert caplog.messages == [lacking, "the Redis user has all rights again"]


def refuse(client: Any) -> None:
    """Another step of the worker is refused, and logs it."""
    with pytest.raises(NoPermissionError) as refused:
        client.zadd("slotline:any", {"a": 1})
    words(refused.value)


def looks(raw_redis: Any) -> int:
    """How often anybody has looked at rights: nothing else discards a transaction."""
    return int(raw_redis.info("commandstats").get("cmdstat_discard", {}).get("calls", 0))


def test_rights_are_looked_at_for_a_new_connection_after_a_refusal_while_one_is_missing_and_once_a_minute(
    consumer: Any, raw_redis: Any, redis_user: RedisUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = WORKER.rights(0, catalog())
    now, before = 1000.0, looks(raw_redis)
    monkeypatch.setattr(heartbeat, "monotonic", lambda: now)
    consumer.timer = SimpleNamespace(call_repeatedly=lambda *_: None, call_after=lambda *_: None)
    with Redis.from_url(redis_user("worker", *every)) as client:
        consumer.app.backend.client = client
        duty = Heartbeat(consumer)

        def looked(beats: int = 3) -> bool:
            nonlocal before
            for _ in range(beats):
                duty.step()
            found, before = looks(raw_redis) - before, looks(raw_redis)
            return found > 0

        assert [looked(1), looked()] == [True, False]
        duty.start(consumer)
        assert [looked(1), looked()] == [True, False]
        now += 59.0
        assert not looked()
        now += 1.0
        assert [looked(1), looked()] == [True, False]
        redis_user("worker", *(right for right in every if right != "+zadd"))
        assert not looked(), "nothing was refused"
        refuse(client)
        assert [looked(1), looked(1), looked(1)] == [True, True, True]
        redis_user("worker", *every)
        assert [looked(1), looked()] == [True, False]


def test_a_heartbeat_that_may_not_be_written_is_a_line_that_names_the_right(
    consumer: Any, redis_user: RedisUser, caplog: pytest.LogCaptureFixture
) -> None:
    every = WORKER.rights(0, catalog())
    with Redis.from_url(redis_user("worker", *(right for right in every if right != "+set"))) as client:
        consumer.app.backend.client = client
        Heartbeat(consumer).run_step()
    first, second = caplog.messages
    assert first.startswith("the Redis user 'worker' lacks rights that a worker needs: +set ")
    assert second.startswith("heartbeat: skipped this time: Redis refuses: its user may not run the command SET")
