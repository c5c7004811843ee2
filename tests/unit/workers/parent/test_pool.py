"""The slot's pool on real workers: batches, limits, revocation, and what a shutdown does with what waits."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from celery import Celery
from celery.exceptions import TaskRevokedError
from celery.result import AsyncResult

from tasks.redis import keys
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker

ChildrenOf = Callable[[int], list[int]]


def speak(client: Celery, model: str, text: str, **options: str) -> AsyncResult[object]:
    """Ask a model's queue for one text."""
    return client.send_task("speech.paragraph", kwargs={"text": text, "model": model}, queue=model, **options)


def begun(redis_client: redis.Redis, task_id: str) -> Callable[[], bool]:
    """Whether the child has begun a run of the task: it counts the attempt first."""
    return lambda: bool(redis_client.exists(keys.attempts(task_id)))


def started(start_worker: StartWorker, model: str) -> Process:
    """A slot worker whose model is ready."""
    worker = start_worker("--model", model)
    worker.wait_for_log(f"ready: {model}")
    return worker


def test_a_hang_is_killed_by_the_models_limit_and_costs_its_message_alone(
    start_worker: StartWorker, catalog_file: Path, client: Celery
) -> None:
    worker = started(start_worker, "faulty")
    hanging, sound = speak(client, "faulty", "⚡hang"), speak(client, "faulty", "fine")
    assert sound.get(timeout=GIVE_UP_S)["computed"]
    with pytest.raises(Exception, match="in all 3 attempts"):
        hanging.get(timeout=GIVE_UP_S)
    worker.wait_for_log("killed after time_limit_s = 1")
    assert worker.returncode is None


def test_members_of_a_batch_keep_their_own_results_and_errors(
    start_worker: StartWorker, catalog_file: Path, client: Celery
) -> None:
    worker = started(start_worker, "four")
    # While the first one runs, the others gather.
    first = speak(client, "four", "⚡slow=1 one")
    worker.wait_for_log("received")
    texts = ["two", "⚡error three", "four", "", "six six"]
    results = [speak(client, "four", text) for text in texts]
    frames = {}
    for text, result in zip(texts, results, strict=True):
        if text in ("", "⚡error three"):
            with pytest.raises(Exception, match="⚡error" if text else "text: is empty"):
                result.get(timeout=GIVE_UP_S)
        else:
            frames[text] = result.get(timeout=GIVE_UP_S)["audio"]["frames"]
    assert first.get(timeout=GIVE_UP_S)["computed"]
    assert frames["two"] < frames["four"] < frames["six six"], "each has its own sound"
    stats = client.control.inspect(timeout=2).stats()
    slot = next(iter(stats.values()))["pool"]["slot"]
    assert (slot["state"], slot["batch_size"], slot["waiting"]) == ("ready", 4, 0)


def test_what_waits_shares_a_batch(
    start_worker: StartWorker, catalog_file: Path, client: Celery, wait_until: WaitUntil
) -> None:
    worker = started(start_worker, "four")
    first = speak(client, "four", "⚡slow=1 one")
    worker.wait_for_log("received")
    others = [speak(client, "four", f"⚡slow=0.5 {n}") for n in "abc"]
    for result in [first, *others]:
        result.get(timeout=GIVE_UP_S)
    worker.wait_for_log("succeeded", count=4)
    done = re.findall(r":(\d\d),(\d{3}) INFO ForkPoolWorker-1 Task speech.paragraph\S* succeeded", worker.log())
    seconds = [int(s) + int(ms) / 1000 for s, ms in done]
    assert len(seconds) == 4
    assert (seconds[3] - seconds[1]) % 60 < 0.5, "three that take half a second each were traced together"


def test_sigterm_ends_what_runs_and_gives_back_what_waits(
    start_worker: StartWorker, catalog_file: Path, client: Celery, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = started(start_worker, "patient")
    running = speak(client, "patient", "⚡slow=1.5 one", task_id="running")
    waiting = [speak(client, "patient", text, task_id=text) for text in ("b", "c", "d")]
    worker.wait_for_log(r"\[b\] received")
    wait_until(begun(redis_client, "running"), 10)
    assert worker.stop() == 0
    assert running.get(timeout=1)["computed"]
    queued = [re.search(r'"id": "(\w+)"', str(message)) for message in redis_client.lrange("patient", 0, -1)]
    assert [match and match[1] for match in queued] == ["d", "c", "b"], "in their order, the first at the front"
    assert redis_client.hlen("slotline:held") == 0
    started(start_worker, "patient")
    for result in waiting:
        assert result.get(timeout=GIVE_UP_S)["computed"]


def test_a_call_revoked_while_it_waits_is_never_run_and_costs_no_child(
    start_worker: StartWorker, catalog_file: Path, client: Celery, children_of: ChildrenOf
) -> None:
    worker = started(start_worker, "patient")
    child = children_of(worker.pid)
    running = speak(client, "patient", "⚡slow=2 one")
    by_id = speak(client, "patient", "revoked", task_id="plain")
    worker.wait_for_log(r"\[plain\] received")
    by_id.revoke(terminate=True, signal="SIGKILL")
    with pytest.raises(TaskRevokedError, match="cancelled"):
        by_id.get(timeout=GIVE_UP_S)
    assert running.get(timeout=GIVE_UP_S)["computed"]
    assert children_of(worker.pid) == child
    assert "[plain] succeeded" not in worker.log()


def test_terminating_what_runs_costs_its_child_and_nothing_else(
    start_worker: StartWorker, catalog_file: Path, client: Celery, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = started(start_worker, "patient")
    hanging = speak(client, "patient", "⚡hang", task_id="hanging")
    sound = speak(client, "patient", "fine")
    wait_until(begun(redis_client, "hanging"), 10)
    hanging.revoke(terminate=True)
    with pytest.raises(TaskRevokedError, match="cancelled"):
        hanging.get(timeout=GIVE_UP_S)
    assert sound.get(timeout=GIVE_UP_S)["computed"]
    assert worker.has_logged("ready: patient", 2)


def test_a_cold_shutdown_ends_the_worker_at_once_and_loses_nothing(
    start_worker: StartWorker, catalog_file: Path, client: Celery, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = started(start_worker, "patient")
    hanging = speak(client, "patient", "⚡slow=30 long", task_id="long")
    wait_until(begun(redis_client, "long"), 10)
    worker.signal(signal.SIGQUIT)
    worker.wait(15)
    assert not hanging.successful()
    assert redis_client.keys("slotline:slot:*") == []
    assert redis_client.llen("patient") + redis_client.hlen("slotline:held") == 1


def test_the_connection_lost_while_a_batch_runs_costs_no_result_and_runs_nothing_twice(
    start_worker: StartWorker, catalog_file: Path, client: Celery, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    worker = started(start_worker, "patient")
    running = speak(client, "patient", "⚡slow=3 one", task_id="one")
    after = speak(client, "patient", "two", task_id="two")
    worker.wait_for_log(r"\[two\] received")
    wait_until(begun(redis_client, "one"), 10)
    for connection in redis_client.client_list():
        if connection["cmd"] in ("blmove", "psubscribe", "subscribe", "evalsha"):
            redis_client.client_kill_filter(addr=connection["addr"])
    assert running.get(timeout=GIVE_UP_S)["computed"]
    assert after.get(timeout=GIVE_UP_S)["computed"]
    assert worker.has_logged("[one] succeeded")
    assert worker.stop() == 0
    assert redis_client.llen("patient") == 0
    assert redis_client.hlen("slotline:held") == 0
