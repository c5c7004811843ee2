"""Ready means ready: no message is taken before the model is, and none while it is gone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import redis
from celery import Celery

from tasks.redis import keys
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker

ChildrenOf = Callable[[int], list[int]]


def test_nothing_is_reserved_before_the_model_is_loaded(
    start_worker: StartWorker, catalog_file: Path, client: Celery, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    result = client.send_task("speech.paragraph", kwargs={"text": "patience", "model": "slowload"}, queue="slowload")
    worker = start_worker("--model", "slowload")
    worker.wait_for_log("connected, loading slowload")
    seen = []

    def loaded() -> bool:
        seen.append((redis_client.llen("slowload"), redis_client.hlen(keys.HELD)))
        return "ready: slowload" in worker.log()

    wait_until(loaded, 15, "the model to be ready")
    assert len(seen) > 20
    assert set(seen[:-2]) == {(1, 0)}, "the message lay in its queue, held by nobody"
    assert result.get(timeout=GIVE_UP_S)["computed"]


def test_a_ready_worker_says_what_it_offers_and_how_much_it_takes_and_takes_that_back(
    start_worker: StartWorker, catalog_file: Path, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = start_worker("--model", "four", "-n", "here")
    worker.wait_for_log("ready: four")
    offer = json.loads(str(redis_client.get(keys.offer("four"))))
    assert (offer["model"], offer["adapter"], offer["sample_rate"]) == ("four", "rehearsal", 22050)
    room = keys.capacity("four")
    wait_until(lambda: redis_client.zrange(room, 0, -1) == ["four-cpu-0@here|12"], 5, "the capacity")
    loaded = keys.loaded("four", "")
    wait_until(lambda: redis_client.zcard(loaded) == 1, 5, "the other slots to be told that it is loaded here")
    assert worker.stop() == 0
    assert redis_client.zrange(room, 0, -1) == []
    assert not redis_client.exists(loaded)


def test_the_gate_closes_when_the_child_dies_and_opens_with_its_replacement(
    start_worker: StartWorker,
    catalog_file: Path,
    client: Celery,
    redis_client: redis.Redis,
    children_of: ChildrenOf,
    wait_until: WaitUntil,
) -> None:
    worker = start_worker("--model", "slowload")
    worker.wait_for_log("ready: slowload")
    os.kill(children_of(worker.pid)[0], signal.SIGKILL)
    worker.wait_for_log("its model is loaded again")
    wait_until(lambda: redis_client.zcard(keys.capacity("slowload")) == 0, 2, "the capacity to be taken back")
    assert not redis_client.exists(keys.loaded("slowload", "")), "nothing is left to it"
    result = client.send_task("speech.paragraph", kwargs={"text": "again", "model": "slowload"}, queue="slowload")
    held = []

    def loaded() -> bool:
        held.append(redis_client.hlen(keys.HELD))
        return worker.log().count("ready: slowload") == 2

    wait_until(loaded, 15, "the replacement to be ready")
    assert set(held[:-2]) == {0}
    assert result.get(timeout=GIVE_UP_S)["computed"]
