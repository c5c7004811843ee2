"""What a worker writes of itself at each beat; what is judged healthy stands in `tests/unit/tasks/test_health.py`."""

from __future__ import annotations

import logging
import os
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis

from tasks import health
from tasks.catalog import catalog
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
        for _ in range(2):
            duty.run_step()
        (standing,) = health.read(raw_redis)
        assert qos.is_resting, "what it takes now it could not finish"
        redis_user("worker", *every)
        duty.run_step()
        assert not qos.is_resting
        (again,) = health.read(raw_redis)
    words = "the Redis user 'worker' lacks rights that a worker needs: +evalsha +zadd (docs/redis.md, «Rights»)"
    assert (standing.why, again.why) == (words, "")
    assert caplog.messages == [words, "the Redis user has all rights again"]


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
