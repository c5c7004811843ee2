"""Real `celery worker` processes that read by lease: what is lost, what runs twice, what comes first."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery import Celery, bootsteps
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.redis import keys
from tests.fixtures.environment import LEASE_S
from tests.fixtures.waiting import WaitUntil, at_most, patience_s
from tests.fixtures.workers import StartWorker
from tests.unit.workers.transport.conftest import APP, SmallWorker, message
from workers.stack.embedded_redis import EmbeddedRedis
from workers.transport.lease_step import HANGS_AFTER_S, LeaseStep
from workers.transport.leases import steady_s
from workers.upstream.redis_sockets import noted


@pytest.fixture
def sender(broker: str) -> Iterator[Celery]:
    """A producer: plain Redis, tasks by name."""
    app = Celery("sender", broker=broker, set_as_current=False)
    app.conf.task_ignore_result = True
    yield app
    app.close()


def _hold(app: Celery, name: str, seconds: float = 60.0, **options: object) -> None:
    app.send_task("hold", (name, seconds), queue="q", **options)


def _list(client: Any, name: str) -> list[str]:
    return [str(item) for item in client.lrange(name, 0, -1)]


def _server_s(client: Any) -> float:
    seconds, micros = client.time()
    return float(seconds + micros / 1e6)


def _at_rest(client: Any) -> bool:
    return not client.exists("q", keys.HELD, keys.LEASES)


def test_of_2000_messages_and_3_workers_nothing_is_lost_and_nothing_runs_twice(
    sender: Celery, small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    with sender.producer_pool.acquire(block=True) as producer:
        for n in range(2000):
            sender.send_task("note", (n,), queue="q", producer=producer)
    for name in "abc":
        small_worker(name, env={"SMALL_PREFETCH": "16"})
    wait_until(lambda: redis_client.llen("ran") >= 2000, 90, "2000 runs")
    wait_until(lambda: _at_rest(redis_client), what="every message acknowledged")
    assert Counter(_list(redis_client, "ran")) == Counter(str(n) for n in range(2000))
    assert not redis_client.keys("unacked*")


def test_what_a_killed_worker_had_in_hand_runs_elsewhere_within_the_lease_and_first(
    sender: Celery, small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    doomed = small_worker("doomed", env={"SMALL_PREFETCH": "2"})
    _hold(sender, "first")
    sender.send_task("note", ("second",), queue="q")
    wait_until(lambda: redis_client.hlen(keys.HELD) == 2 and _list(redis_client, "started") == ["first"])
    other = small_worker("other", env={"SMALL_PREFETCH": "1"})
    _hold(sender, "busy")
    wait_until(lambda: "busy" in _list(redis_client, "started"))
    for n in range(3):
        sender.send_task("note", (n,), queue="q")
    doomed.kill()
    killed = _server_s(redis_client)
    wait_until(lambda: redis_client.llen("q") == 5, what="the messages' return")
    assert _server_s(redis_client) - killed < at_most(LEASE_S + 1)
    for name in ("first", "busy"):
        redis_client.set(f"release:{name}", 1)
    wait_until(lambda: redis_client.llen("ran") == 7)
    assert _list(redis_client, "ran") == ["first", "busy", "first", "second", "0", "1", "2"]
    other.wait_for_log("2 messages of .* whose lease has ended")


def test_a_task_of_three_leases_runs_once(
    sender: Celery, small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    small_worker("a")
    small_worker("b")
    _hold(sender, "long", 3 * LEASE_S)
    wait_until(lambda: _list(redis_client, "ended") == ["long"], 3 * LEASE_S + 10)
    wait_until(lambda: _at_rest(redis_client))
    assert _list(redis_client, "started") == ["long"]


def test_urgent_messages_run_first(
    sender: Celery, small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    for priority in (9, 6, 3, 0):
        for n in "ab":
            sender.send_task("note", (f"{priority}{n}",), queue="q", priority=priority)
    small_worker("a")
    wait_until(lambda: redis_client.llen("ran") == 8)
    assert _list(redis_client, "ran") == ["0a", "0b", "3a", "3b", "6a", "6b", "9a", "9b"]


def test_foreign_messages_run_and_unreadable_ones_stop_no_worker(
    small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    no_id = json.loads(message("note", ("no id",)))
    del no_id["headers"]["id"]
    odd_task = json.loads(message("note", ("odd",)))
    odd_task["headers"]["task"] = ["a list"]
    worker = small_worker("a")
    for raw in ("rubbish", json.dumps(no_id), json.dumps(odd_task), message("note", ("foreign",))):
        redis_client.lpush("q", raw)
    wait_until(lambda: _list(redis_client, "ran") == ["foreign"])
    wait_until(lambda: _at_rest(redis_client))
    assert redis_client.llen(keys.SET_ASIDE) == 3
    worker.wait_for_log("a message in 'q' is set aside: not JSON")
    worker.wait_for_log("message .* in 'q' is set aside: cannot be read")
    assert worker.stop() == 0


def test_two_messages_with_one_tag_both_run(
    small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    for n in range(2):
        redis_client.lpush("q", message("note", (n,), tag="same"))
    small_worker("a", env={"SMALL_PREFETCH": "4"})
    wait_until(lambda: redis_client.llen("ran") == 2)
    wait_until(lambda: _at_rest(redis_client))
    assert sorted(_list(redis_client, "ran")) == ["0", "1"]


def test_a_cut_connection_runs_nothing_twice_and_the_task_is_acknowledged_at_its_end(
    sender: Celery, small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    cut = small_worker("cut", env={"SMALL_PREFETCH": "2"})
    _hold(sender, "running")
    sender.send_task("note", ("waiting",), queue="q")
    wait_until(lambda: redis_client.hlen(keys.HELD) == 2 and _list(redis_client, "started") == ["running"])
    small_worker("other")
    redis_client.client_kill_filter(_type="normal", skipme=True)
    redis_client.client_kill_filter(_type="pubsub")
    cut.wait_for_log("Connected to slotline", count=2)
    back = _server_s(redis_client)
    # The request that never started was dropped by Celery; somebody takes it, here or there.
    cut.wait_for_log("1 messages that this worker dropped")
    wait_until(lambda: _server_s(redis_client) - back > LEASE_S, what="time enough to run it twice")
    assert _list(redis_client, "started") == ["running"]
    redis_client.set("release:running", 1)
    wait_until(lambda: _at_rest(redis_client), what="the late acknowledgement")
    assert _list(redis_client, "started") == ["running"]
    assert sorted(_list(redis_client, "ran")) == ["running", "waiting"]


def test_a_redis_that_was_away_for_longer_than_the_lease_costs_no_second_run(
    tmp_path: Path, broker: str, redis_client: Any, small_worker: SmallWorker, wait_until: WaitUntil
) -> None:
    with EmbeddedRedis(tmp_path / "own", append_only=True) as server:
        env = {"CELERY_BROKER_URL": server.url, "SMALL_RECORD": broker}
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            client.lpush("q", message("hold", ("long", 60)))
            busy = small_worker("busy", env=env)
            wait_until(lambda: redis_client.llen("started") == 1)
            server.stop()
            went = _server_s(redis_client)
            wait_until(lambda: _server_s(redis_client) - went > LEASE_S, what="a lease's length without Redis")
            server.start()
            small_worker("idle", env=env)
            busy.wait_for_log(r"Connected to slotline", count=2)
            back = _server_s(redis_client)
            wait_until(lambda: _server_s(redis_client) - back > LEASE_S, what="time enough to take it away")
            redis_client.set("release:long", 1)
            wait_until(lambda: not client.exists("q", keys.HELD), what="the acknowledgement")
        assert _list(redis_client, "started") == ["long"]


def test_celerys_own_remote_control_answers_and_no_unacked_key_is_written(
    sender: Celery, small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    small_worker("a")
    _hold(sender, "running")
    wait_until(lambda: redis_client.llen("started") == 1)
    inspect = sender.control.inspect(timeout=5, limit=1)
    assert inspect.ping() == {"a@test": {"ok": "pong"}}
    (active,) = inspect.active()["a@test"]
    assert active["name"] == "hold"
    assert not redis_client.keys("unacked*")


def test_workers_that_mingle_find_each_other(start_worker: StartWorker) -> None:
    start_worker("-c", "1", "-n", "a@test", "-l", "INFO", app=APP).wait_for_log(r" ready\.")
    second = start_worker("-c", "1", "-n", "b@test", "-l", "INFO", app=APP)
    second.wait_for_log("mingle: sync with 1 nodes")
    second.wait_for_log(r" ready\.")


def test_a_warm_shutdown_ends_what_runs_and_returns_what_waits_to_the_front(
    sender: Celery, small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    worker = small_worker("a", env={"SMALL_PREFETCH": "3"})
    _hold(sender, "running")
    for n in range(4):
        sender.send_task("note", (n,), queue="q")
    wait_until(lambda: redis_client.hlen(keys.HELD) == 3 and redis_client.llen("started") == 1)
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("Warm shutdown")
    began = _server_s(redis_client)
    # The pool is finishing its work for longer than the lease: it must stay leased.
    wait_until(lambda: _server_s(redis_client) - began > 1.5 * LEASE_S, what="more than a lease")
    assert redis_client.llen("q") == 4
    assert redis_client.hlen(keys.HELD) == 1
    redis_client.set("release:running", 1)
    assert worker.wait() == 0
    assert not redis_client.exists(keys.HELD, keys.LEASES)
    small_worker("b")
    wait_until(lambda: redis_client.llen("ran") == 5)
    assert _list(redis_client, "ran") == ["running", "0", "1", "2", "3"]


def test_a_cold_shutdown_gives_back_at_once_what_was_running(
    sender: Celery, small_worker: SmallWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    worker = small_worker("a")
    _hold(sender, "running")
    wait_until(lambda: redis_client.llen("started") == 1)
    worker.signal(signal.SIGQUIT)
    worker.wait()
    assert redis_client.llen("q") == 1
    assert not redis_client.exists(keys.HELD, keys.LEASES)


def test_a_loop_that_hangs_is_hung_up_on_so_that_it_connects_again(
    broker: str, redis_client: Any, wait_until: WaitUntil
) -> None:
    consumer = SimpleNamespace(connection="there", blueprint=SimpleNamespace(state=bootsteps.RUN))
    renewal: Any = SimpleNamespace(leases=SimpleNamespace(lease_s=LEASE_S), fence_if_late=lambda: False)
    step = LeaseStep(consumer)
    step._renewals[0] = renewal
    step._looked_at = steady_s() - HANGS_AFTER_S - 1
    errors: list[Exception] = []

    def hang(client: redis.Redis) -> None:
        try:
            client.blpop(["nothing:here"])
        except redis.RedisError as exc:
            errors.append(exc)

    with redis.Redis.from_url(broker, **noted({"socket_timeout": None, "retry": Retry(NoBackoff(), 0)})) as client:
        loop = threading.Thread(target=hang, args=(client,), daemon=True)
        loop.start()
        wait_until(lambda: redis_client.info("clients")["blocked_clients"], what="a loop that waits for ever")
        step._renew(renewal)
        loop.join(patience_s())
        assert isinstance(errors[0], redis.ConnectionError)
        # It has as long again to connect, before that is cut off as well.
        connection = client.connection_pool.get_connection()
        step._renew(renewal)
        connection.send_command("PING")
        assert connection.read_response() == b"PONG"
