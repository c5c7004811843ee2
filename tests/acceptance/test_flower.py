"""Real Flower beside real workers: slots by name, readable arguments, small results, and how long each task took."""

from __future__ import annotations

import functools
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery

from tasks.catalog import catalog
from tasks.redis.rights import FLOWER
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process, StartProcess
from tests.fixtures.redis_users import RedisUser
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker

LOOP_S = 1.0
"""How much later than the child's beginning the worker may send the event that it has begun."""

CATALOG = """
[models.espeak]
adapter = "espeak"

[models.slow]
adapter = "rehearsal"
seconds = 0.5
batch_size = 4
"""


def get(url: str) -> Any:
    """The page or the API's answer; None while Flower is not there yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body = answer.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None
    return json.loads(body) if "/api/" in url else body


@pytest.fixture
def flower_url(
    unused_port: int,
    use_catalog: UseCatalog,
    start_process: StartProcess,
    redis_user: RedisUser,
    raw_redis: Any,
    wait_until: WaitUntil,
) -> Iterator[str]:
    """A Flower that answers, with the least rights at Redis that docs/redis.md lists; they are enough."""
    use_catalog(CATALOG)
    url = f"http://127.0.0.1:{unused_port}"
    command = [sys.executable, "-m", "celery", "-A", "workers", "flower"]
    as_flower = redis_user("flower", *FLOWER.rights(0, catalog()))
    raw_redis.acl_log_reset()
    environment = {"FLOWER_UNAUTHENTICATED_API": "true", "CELERY_BROKER_URL": as_flower}
    start_process(*command, f"--port={unused_port}", "--address=127.0.0.1", env=environment, name="flower")
    wait_until(lambda: get(f"{url}/api/tasks") is not None, limit_s=60, what="Flower answers")
    yield url
    assert get(f"{url}/broker") is not None
    refused = {entry["object"].partition("|")[0] for entry in raw_redis.acl_log() if entry["username"] == "flower"}
    assert refused <= {"client"}, "redis-py may not name itself, and does without"


def test_flower_shows_slots_by_name_and_a_chapter_from_received_to_succeeded(
    broker: str, flower_url: str, start_worker: StartWorker, wait_until: WaitUntil
) -> None:
    url = flower_url
    start_worker("-Q", "flow", name="flow").wait_for_log("ready")
    start_worker("--model", "espeak", name="slot").wait_for_log("ready: espeak")
    slow = start_worker("--model", "slow", name="slow")
    slow.wait_for_log("ready: slow")
    with Celery("foreign", broker=broker, backend=broker, set_as_current=False) as celery:
        text = "Hắn vừa đi vừa chửi.\n\nBao giờ cũng thế."
        job = celery.send_task("speech.chapter", kwargs={"text": text, "model": "espeak", "voice": "vi"}, queue="flow")
        job.get(timeout=GIVE_UP_S)

    chapter = wait_until(lambda: ended(url, job.id), limit_s=20, what="Flower has seen the chapter succeed")
    assert "Hắn vừa đi" in chapter["kwargs"]
    assert chapter["received"]
    assert chapter["started"]
    assert chapter["succeeded"]
    assert len(chapter["result"]) < 1000
    part = wait_until(lambda: get(f"{url}/api/task/info/{job.id}.1"), limit_s=10, what="Flower has seen the part")
    assert part["state"] == "SUCCESS"
    assert job.id in part["kwargs"]
    assert "Hắn vừa đi vừa chửi." in part["kwargs"]
    workers = get(f"{url}/")
    assert "espeak-cpu-0@" in workers
    assert "flow-0@" in workers
    no_button_gives_a_slot_a_second_model(url, slow, wait_until)
    each_text_took_as_long_as_its_batch(url, broker, slow, wait_until)


def no_button_gives_a_slot_a_second_model(url: str, slow: Process, wait_until: WaitUntil) -> None:
    name = slow.wait_for_log(r"(slow-cpu-\d@[^\s:]+)").group()
    wait_until(lambda: name in (get(f"{url}/api/workers?refresh=1") or {}), what="Flower knows the worker")
    button = urllib.request.Request(f"{url}/api/worker/pool/grow/{name}?n=1", method="POST", data=b"")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(button, timeout=20)
    assert refused.value.code == 403
    assert "a slot has one child with one model" in refused.value.read().decode()
    assert len(slow.children()) == 1


def each_text_took_as_long_as_its_batch(url: str, broker: str, slow: Process, wait_until: WaitUntil) -> None:
    with Celery("foreign", broker=broker, backend=broker, set_as_current=False) as celery:
        texts = [{"model": "slow", "text": f"Text {number}."} for number in range(3)]
        spoken = [celery.send_task("speech.paragraph", kwargs=one, queue="slow") for one in texts]
        for one in spoken:
            one.get(timeout=GIVE_UP_S)
    for one in spoken:
        seen: Callable[[], Any] = functools.partial(ended, url, one.id)
        task = wait_until(seen, limit_s=20, what="Flower has seen each text succeed")
        assert 0.5 <= task["runtime"] <= task["succeeded"] - task["started"] + LOOP_S
        assert task["received"] <= task["started"] <= task["succeeded"]
    took = [float(found) for found in re.findall(r"succeeded in ([0-9.]+)s", slow.log())]
    assert len(took) == 3
    assert min(took) >= 0.5


def ended(url: str, task_id: str) -> Any:
    """What Flower has of a task that has succeeded; None before that."""
    task = get(f"{url}/api/task/info/{task_id}")
    return task if task and task["state"] == "SUCCESS" else None
