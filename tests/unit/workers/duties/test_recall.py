"""What waits behind a long run goes to a slot that is idle, and is not counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from redis import Redis

from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker
from tests.unit.workers.parent.small_slot import SmallSlot
from workers.duties.recall import Recall

CATALOG = """
[models.mixed]
adapter = "rehearsal"
seconds = 0.02
time_limit_s = 60
faults = true
"""


@pytest.fixture
def duty(pool: Any, raw_redis: Any) -> Recall:
    return Recall(SimpleNamespace(pool=pool, app=SimpleNamespace(backend=SimpleNamespace(client=raw_redis))))


def idle(raw_redis: Any) -> None:
    """Another slot of the model is idle."""
    raw_redis.zadd(keys.idle("m"), {"another": (time.time() + 60) * 1000})


def test_what_waits_behind_a_long_run_is_asked_for_when_another_slot_is_idle(
    duty: Recall, slot: SmallSlot, raw_redis: Any
) -> None:
    batch, _ = slot.batch("a", "b")
    slot.batch("c", "d")
    slot.request("e")
    slot.sidecar.begin(batch, at=time.monotonic() - 1.0)
    duty.step()
    assert (slot.sidecar.recalls, slot.order) == (0, []), "nobody else is idle"
    idle(raw_redis)
    duty.step()
    slot.turn()
    assert (slot.sidecar.recalls, slot.order) == (1, ["e"])
    slot.recalled(b2=[0, 1])
    assert slot.order == ["e", "d", "c"]


@pytest.mark.parametrize(
    "why", ["the run is young", "nothing waits behind it", "the idle slot finds work in the queue"]
)
def test_otherwise_it_is_left_where_it_is(duty: Recall, slot: SmallSlot, raw_redis: Any, why: str) -> None:
    idle(raw_redis)
    batch, _ = slot.batch("a", "b")
    if why != "nothing waits behind it":
        slot.batch("c", "d")
    slot.sidecar.begin(batch, at=time.monotonic() - (0.0 if why == "the run is young" else 1.0))
    if why == "the idle slot finds work in the queue":
        raw_redis.lpush("m", "message")
    duty.step()
    slot.turn()
    assert (slot.sidecar.recalls, slot.order) == (0, [])


def test_of_jobs_of_20_ms_and_30_s_mixed_an_idle_slot_has_what_waits_uncounted(
    use_catalog: UseCatalog,
    start_worker: StartWorker,
    client: Celery,
    redis_client: Redis,
    wait_until: WaitUntil,
) -> None:
    use_catalog(CATALOG)
    one = start_worker("--model", "mixed")
    one.wait_for_log("ready: mixed")
    say: Callable[[str], Any] = lambda text: client.send_task(  # noqa: E731
        "speech.paragraph", kwargs={"text": text, "model": "mixed"}, queue="mixed"
    )
    for number in range(20):  # so it is handed over by several
        say(f"short {number}").get(timeout=GIVE_UP_S)
    long = say("⚡slow=30 long")
    behind = [say(f"behind {number}") for number in range(3)]
    wait_until(lambda: redis_client.hlen(keys.HELD) == 4, what="one slot to hold everything")
    two = start_worker("--model", "mixed")
    two.wait_for_log("ready: mixed")
    for result in behind:
        assert result.get(timeout=GIVE_UP_S)["computed"]
    assert not long.ready(), "they did not wait for it"
    two.wait_for_log("succeeded")
    for result in behind:
        assert redis_client.hget(keys.attempts(result.id), "0") == "1", "the run that made it, and no other"
