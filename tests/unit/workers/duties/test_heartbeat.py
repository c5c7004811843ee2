"""What a worker writes of itself at each beat; what is judged healthy stands in `tests/unit/tasks/test_health.py`."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis

from tasks import health
from tests.unit.workers.parent.small_slot import SmallSlot
from workers.duties.heartbeat import Heartbeat
from workers.parent.failure_streak import FailureStreak


@pytest.fixture
def consumer(raw_redis: Any) -> Any:
    """A flow worker's consumer, as the duty knows it."""
    app = SimpleNamespace(backend=SimpleNamespace(client=raw_redis))
    reads = SimpleNamespace(consuming_from=lambda queue: queue == "flow")
    return SimpleNamespace(app=app, hostname="one@here", pool=object(), timer=None, task_consumer=reads)


def test_a_flow_workers_beat_says_who_it_is_and_what_waits_in_every_priority(consumer: Any, raw_redis: Redis) -> None:
    raw_redis.lpush("flow", "first")
    raw_redis.lpush("flow\x06\x163", "later")
    Heartbeat(consumer).step()
    (standing,) = health.read(raw_redis)
    beat = standing.beat
    assert (beat.worker, beat.model, beat.state, beat.pid) == ("one@here", None, "running", os.getpid())
    assert (beat.waiting, beat.child_alive, beat.stall_s, beat.reads) == (2, True, None, True)
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


def test_a_worker_whose_queue_was_cancelled_says_so(consumer: Any, raw_redis: Redis) -> None:
    consumer.task_consumer = SimpleNamespace(consuming_from=lambda queue: False)
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
