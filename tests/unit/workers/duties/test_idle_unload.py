"""A slot's model comes and goes on real workers: no job fails, hangs, or pays for a load with its own time limit."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.result import AsyncResult

from tasks import health
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker
from workers.duties.remote_control import STATUS, UNLOAD

CATALOG = """
[models.model]
adapter = "rehearsal"
path = "weights"
faults = true
load_seconds = 2.0
unload_seconds = {unload_seconds}
time_limit_s = 1.5
journal = "{journal}"
idle_timeout_minutes = {minutes}

[models.long]
adapter = "rehearsal"
faults = true
"""

ChildrenOf = Callable[[int], list[int]]
Ask = Callable[[str], dict[str, Any]]


@pytest.fixture(autouse=True)
def weights(use_catalog: UseCatalog, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The model's folder; a load takes longer than a batch may. `unload_seconds` or `minutes` by a parameter."""
    folder = tmp_path / "weights"
    folder.mkdir()
    keys = {"unload_seconds": 0.0, "minutes": 0, **getattr(request, "param", {})}
    use_catalog(CATALOG.format(journal=tmp_path / "journal", **keys))
    return folder


@pytest.fixture
def start(start_worker: StartWorker) -> Callable[..., Process]:
    """`start(*options, **environment)`: a slot worker that takes work."""

    def begin(*options: str, **environment: str) -> Process:
        worker = start_worker("--model", "model", *options, env=environment)
        worker.wait_for_log("ready: model")
        return worker

    return begin


@pytest.fixture
def ask(client: Celery) -> Ask:
    """`ask(command)`: the one slot worker's answer."""

    def ask(command: str) -> dict[str, Any]:
        (reply,) = client.control.broadcast(command, reply=True, timeout=10, limit=1)
        (answer,) = reply.values()
        found: dict[str, Any] = answer
        return found

    return ask


def speak(client: Celery, text: str, **options: str) -> AsyncResult[Any]:
    return client.send_task("speech.paragraph", kwargs={"text": text, "model": "model"}, queue="model", **options)


def loads(worker: Process) -> int:
    return len(re.findall("ready: model on .* loaded in", worker.log()))


def why_unhealthy(broker: str) -> list[str]:
    with redis.Redis.from_url(broker) as raw:
        return [standing.why for standing in health.read(raw)]


@pytest.mark.parametrize("weights", [{"minutes": 0.01}], indirect=True)
def test_an_idle_model_is_unloaded_and_the_next_job_loads_it_again(
    start: Callable[..., Process], client: Celery, ask: Ask, broker: str, wait_until: WaitUntil
) -> None:
    worker = start(CELERY_BROKER_URL=broker)
    assert speak(client, "one").get(timeout=GIVE_UP_S)["computed"]
    worker.wait_for_log("unloaded: model")
    told = ask(STATUS)
    assert (told["state"], told["is_loading"], told["load_s"], told["jobs"]) == ("unloaded", False, None, 1)
    assert (told["timeout_s"], told["timeout_set_by"]) == (0.6, "idle_timeout_minutes")
    wait_until(lambda: '"state": "unloaded"' in _beats(broker), 10, "a beat that says so")
    assert why_unhealthy(broker) == [""], "unloaded by design is healthy"
    assert speak(client, "two").get(timeout=GIVE_UP_S)["computed"]
    assert loads(worker) == 2
    assert "killed" not in worker.log()


def _beats(broker: str) -> str:
    with redis.Redis.from_url(broker, decode_responses=True) as raw:
        return " ".join(str(raw.get(name)) for name in raw.scan_iter(match=keys.health("*")))


def test_jobs_that_arrive_during_unloads_and_loads_are_all_done_and_each_once(
    start: Callable[..., Process], client: Celery, ask: Ask, tmp_path: Path, wait_until: WaitUntil
) -> None:
    worker = start()
    results: list[AsyncResult[Any]] = []
    unloads = 0
    while unloads < 3:
        results += [speak(client, f"text {len(results)}.{n}") for n in range(3)]
        assert results[-1].get(timeout=GIVE_UP_S)["computed"]
        answer: dict[str, Any] = wait_until(lambda: _done(ask(UNLOAD)), 10, "the model to be idle")
        unloads += "unloaded" in answer["ok"]
        # In the midst of the unload, or of what follows it.
        results.append(speak(client, f"text {len(results)} at once"))
    assert all(result.get(timeout=GIVE_UP_S)["computed"] for result in results)
    assert loads(worker) == 4
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    begun = [line["text"] for line in lines if line["what"] == "began"]
    assert len(begun) == len(set(begun)) == len(results)


def _done(answer: dict[str, Any]) -> dict[str, Any] | None:
    return answer if "ok" in answer else None


def test_a_lazy_slot_takes_work_unloaded_and_two_jobs_at_once_make_one_load(
    start: Callable[..., Process], client: Celery, ask: Ask, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = start("--lazy")
    told = ask(STATUS)
    assert (told["state"], told["lazy"], told["since"] > 0) == ("unloaded", True, True)
    wait_until(lambda: redis_client.zcard(keys.capacity("model")), 5, "its capacity to count")
    assert loads(worker) == 0
    both = [speak(client, "one"), speak(client, "two")]
    assert all(result.get(timeout=GIVE_UP_S)["computed"] for result in both)
    assert loads(worker) == 1
    assert ask(STATUS)["load_s"] >= 2.0
    assert redis_client.exists(keys.offer("model"))


def test_a_child_killed_in_a_lazy_load_costs_no_attempt(
    start: Callable[..., Process],
    client: Celery,
    ask: Ask,
    redis_client: redis.Redis,
    children_of: ChildrenOf,
    wait_until: WaitUntil,
) -> None:
    worker = start("--lazy")
    result = speak(client, "one", task_id="one")
    wait_until(lambda: ask(STATUS)["is_loading"], 10, "the load to begin")
    os.kill(children_of(worker.pid)[0], signal.SIGKILL)
    worker.wait_for_log("model: load 1 of 3 failed")
    assert not redis_client.exists(keys.attempts("one"))
    assert result.get(timeout=GIVE_UP_S)["computed"]
    assert loads(worker) == 1


def test_a_worker_that_is_stopped_in_a_load_ends_at_once_and_calls_it_no_failure(
    start: Callable[..., Process],
    client: Celery,
    ask: Ask,
    redis_client: redis.Redis,
    weights: Path,
    wait_until: WaitUntil,
) -> None:
    (weights / "fault").write_text("⚡hang")
    worker = start("--lazy")
    speak(client, "one", task_id="one")
    wait_until(lambda: ask(STATUS)["is_loading"], 10, "the load to begin")
    assert worker.stop() == 0
    assert not re.search("ERROR|load 1 of 3 failed", worker.log()), worker.log()
    assert redis_client.llen("model") == 1
    assert not redis_client.exists(keys.attempts("one"))


@pytest.mark.parametrize("weights", [{"unload_seconds": 3.0}], indirect=True)
def test_a_child_killed_in_an_unload_is_replaced_and_the_next_job_done(
    start: Callable[..., Process], client: Celery, ask: Ask, children_of: ChildrenOf, wait_until: WaitUntil
) -> None:
    worker = start()
    assert "ok" in ask(UNLOAD)
    wait_until(lambda: ask(STATUS)["state"] == "unloading", 10, "the unload to begin")
    waiting = speak(client, "one")
    os.kill(children_of(worker.pid)[0], signal.SIGKILL)
    assert waiting.get(timeout=GIVE_UP_S)["computed"]
    assert "failed" not in worker.log()


def test_a_lazy_model_that_cannot_be_loaded_ends_the_worker_and_harms_no_message(
    start: Callable[..., Process], client: Celery, redis_client: redis.Redis, weights: Path
) -> None:
    (weights / "fault").write_text("⚡error")
    worker = start("--lazy", SLOTLINE_LOAD_ATTEMPTS="2")
    speak(client, "one", task_id="one")
    assert worker.wait(30) == 1
    assert "model model: cannot load it (tried 2 times): ModelError: text: ⚡error stands in it" in worker.log()
    assert redis_client.llen("model") == 1
    assert not redis_client.exists(keys.attempts("one"))


def test_a_model_in_use_is_not_unloaded_and_tells_how_it_stands_meanwhile(
    start_worker: StartWorker, client: Celery, ask: Ask, wait_until: WaitUntil
) -> None:
    worker = start_worker("--model", "long", env={"MODEL_UNLOAD_TIMEOUT": "1"})
    worker.wait_for_log("ready: long")
    fields = {"text": "⚡slow=30 long", "model": "long"}
    running = client.send_task("speech.paragraph", kwargs=fields, queue="long")
    told: dict[str, Any] = wait_until(lambda: _busy(ask(STATUS)), 10, "the job to run")
    assert (told["answers"], told["idle_s"], told["jobs"]) == (True, None, 0)
    assert ask(UNLOAD) == {"error": "long is busy: 1 job runs and 0 wait; a model in use is not unloaded"}
    held = told["since"]
    told = wait_until(lambda: _busy_for(ask(STATUS), 2.0), 20, "more than the time-out")
    assert told["since"] == held
    assert "unloaded" not in worker.log()
    assert not running.ready()


def _busy(told: dict[str, Any]) -> dict[str, Any] | None:
    return told if told["state"] == "busy" else None


def _busy_for(told: dict[str, Any], seconds: float) -> dict[str, Any] | None:
    return told if told["state"] == "busy" and time.time() - told["since"] > seconds else None
