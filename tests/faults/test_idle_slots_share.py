"""Real slots share what comes: two idle ones take one message each, and nobody waits for one that is frozen."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest
from celery import Celery
from redis import Redis

from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker

CATALOG = """
[models.slow]
adapter = "rehearsal"
seconds = 3.0
"""


@pytest.fixture
def pair(broker: str, use_catalog: UseCatalog, start_worker: StartWorker) -> tuple[Process, Process]:
    """Two slots of one model, both ready."""
    use_catalog(CATALOG)
    slots = start_worker("--model", "slow"), start_worker("--model", "slow")
    for slot in slots:
        slot.wait_for_log("ready: slow")
    return slots


def held(client: Redis) -> Counter[str]:
    """How many messages each process has in hand."""
    entries: dict[str, str] = client.hgetall(keys.HELD)  # type: ignore[assignment]
    return Counter(entry.split(":")[1] for entry in entries.values())


def say(foreign: Celery, client: Redis, count: int) -> None:
    """Send so many at once: they lie in the slots' queue from one moment to the next."""
    for number in range(count):
        foreign.send_task("speech.paragraph", kwargs={"text": f"number {number}", "model": "slow"}, queue="aside")
    client.rename("aside", "slow")


def test_two_idle_slots_take_one_message_each(
    pair: tuple[Process, Process], foreign: Celery, redis_client: Redis, wait_until: WaitUntil
) -> None:
    wait_until(lambda: redis_client.zcard(keys.idle("slow")) == 2, what="both idle")
    say(foreign, redis_client, 2)
    wait_until(lambda: held(redis_client).total() == 2, what="both messages taken")
    assert held(redis_client) == {str(slot.pid): 1 for slot in pair}


def test_what_was_left_to_a_frozen_idle_slot_goes_to_the_other(
    pair: tuple[Process, Process], foreign: Celery, redis_client: Redis, wait_until: WaitUntil
) -> None:
    frozen, living = pair
    wait_until(lambda: redis_client.zcard(keys.idle("slow")) == 2, what="both idle")
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        say(foreign, redis_client, 2)
        wait_until(lambda: held(redis_client)[str(living.pid)] == 2, limit_s=10, what="both messages taken by one")
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
