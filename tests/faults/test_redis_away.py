"""Redis goes away: killed, absent, cut off, failed over. Workers come back by themselves, and work counts once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client
from tasks.redis import keys
from tasks.settings import settings
from tests.faults.slots import MODEL, Slots, record_of
from tests.fixtures.environment import LEASE_S
from tests.fixtures.ports import free_port
from tests.fixtures.processes import Process, StartProcess
from tests.fixtures.waiting import WaitUntil, at_most
from tests.fixtures.workers import StartWorker
from workers.stack.embedded_redis import EmbeddedRedis, find_server

TEXT = "A paragraph that takes its time."
MASTER = "mymaster"


class SyncedRedis(EmbeddedRedis):
    """With every write on the disk before it is answered."""

    def _arguments(self) -> list[str]:
        return [*super()._arguments(), "--appendfsync", "always"]


@pytest.fixture
def server(tmp_path: Path, own_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncedRedis]:
    """A Redis of the test's own that keeps every write; it is the broker."""
    with SyncedRedis(tmp_path / "redis", append_only=True) as own:
        monkeypatch.setenv("CELERY_BROKER_URL", own.url)
        settings.cache_clear()
        yield own


@pytest.fixture
def client(server: SyncedRedis, tmp_path: Path) -> Client:
    return Client(server.url, str(tmp_path / "store"))


@pytest.fixture
def start_own(start_process: StartProcess) -> StartWorker:
    """`start_worker`, at the broker of the environment."""

    def start(*args: str, env: Any = None, app: str = "workers", name: str = "") -> Process:
        return start_process(sys.executable, "-m", "celery", "-A", app, "worker", *args, env=env, name=name)

    return start


def _pass(seconds: float, wait_until: WaitUntil, what: str) -> None:
    """Let time go by that is itself what is tested: an absence, a lease."""
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > seconds, seconds + 5, what)


def _wait_until_ended(client: Client, job_id: str, wait_until: WaitUntil) -> None:
    def has_ended() -> bool:
        with contextlib.suppress(redis.RedisError):
            return record_of(client.ledger, job_id).outcome == "SUCCESS"
        return False

    wait_until(has_ended, 60, "the job's success")


def test_what_runs_while_redis_is_away_for_longer_than_the_lease_is_settled_once(
    server: SyncedRedis, client: Client, start_own: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_own, tmp_path, seconds=3.0)
    flow, busy = slots.flow(), slots.start("busy")
    job = client.submit_chapter(TEXT, model=MODEL)
    wait_until(lambda: slots.runs(TEXT), 20, "a run")
    child = busy.child()
    idle = slots.start("idle")
    server.kill()
    # The run ends in the midst of it, and its child waits to settle.
    _pass(LEASE_S + 2, wait_until, "an absence longer than the lease")
    server.start()
    _wait_until_ended(client, job.id, wait_until)
    assert len(slots.runs(TEXT)) == 1
    assert busy.child() == child
    assert record_of(client.ledger, job.id).computed == 1
    for worker in (busy, idle, flow):
        worker.wait_for_log("leases are renewed again")
        assert "CPendingDeprecationWarning" not in worker.log()
    second = client.submit_chapter("Another one.\n\nAnd one more.", model=MODEL)
    _wait_until_ended(client, second.id, wait_until)
    claims = client.connection.redis.keys("slotline:slot:*")
    assert len(claims) == 3


def test_after_redis_was_away_nothing_is_given_to_others_before_a_lease_is_over(
    server: SyncedRedis, client: Client, start_own: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_own, tmp_path, seconds=6.0)
    slots.flow()
    workers = [slots.start("one"), slots.start("two")]
    job = client.submit_chapter(TEXT, model=MODEL)
    wait_until(lambda: slots.runs(TEXT), 20, "a run")
    doomed = next(one for one in workers if one.child() == slots.runs(TEXT)[0].pid)
    server.kill()
    os.killpg(doomed.pid, signal.SIGKILL)
    _pass(LEASE_S + 1, wait_until, "an absence longer than the lease")
    server.start()
    back = time.monotonic()
    again = wait_until(lambda: slots.runs(TEXT)[1:], what="the second run")[0]
    print(f"a dead holder's message was given to another {again.began - back:.2f} s after Redis was back")
    assert LEASE_S <= again.began - back <= at_most(2 * LEASE_S)
    _wait_until_ended(client, job.id, wait_until)


def test_cut_connections_repeat_nothing(
    server: SyncedRedis, client: Client, start_own: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_own, tmp_path, seconds=2.0)
    flow, busy = slots.flow(), slots.start("busy")
    job = client.submit_chapter(f"{TEXT}\n\nTwo.\n\nThree.", model=MODEL)
    wait_until(lambda: slots.runs(TEXT), 20, "a run")
    for _ in range(2):
        client.connection.redis.client_kill_filter(_type="normal", skipme=True)
        client.connection.redis.client_kill_filter(_type="pubsub")
        _pass(0.5, wait_until, "a moment to connect in")
    _wait_until_ended(client, job.id, wait_until)
    for worker in (flow, busy):
        worker.wait_for_log("Connected to slotline", count=2)
    assert len(slots.runs(TEXT)) == 1
    assert record_of(client.ledger, job.id).done == 3


def test_a_killed_redis_loses_no_accepted_job(
    server: SyncedRedis, client: Client, start_own: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_own, tmp_path, seconds=0.05)
    slots.flow()
    slots.start("one")
    slots.start("two")
    jobs = []
    for round_ in range(3):
        for n in range(5):
            jobs.append(
                client.submit_chapter(f"Round {round_}, chapter {n}.\n\nIts end, {round_} {n}.", model=MODEL).id
            )
        server.kill()
        server.start()
    for job_id in jobs:
        _wait_until_ended(client, job_id, wait_until)
    again = len(slots.runs()) - 2 * len(jobs)
    print(f"{len(jobs)} chapters through 3 SIGKILLs of Redis: {again} paragraphs computed again")


def test_workers_follow_a_failover_and_repeat_nothing(
    own_environment: None,
    start_own: StartWorker,
    start_process: StartProcess,
    tmp_path: Path,
    wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SyncedRedis(tmp_path / "first", append_only=True) as first, SyncedRedis(tmp_path / "second") as second:
        urls = _sentinels(first, second, start_process, tmp_path, wait_until)
        monkeypatch.setenv("CELERY_BROKER_URL", urls)
        settings.cache_clear()
        client = Client(urls, str(tmp_path / "store"))
        slots = Slots(start_own, tmp_path, seconds=8.0)
        slots.flow()
        busy = slots.start("busy")
        job = client.submit_chapter(TEXT, model=MODEL)
        wait_until(lambda: slots.runs(TEXT), 20, "a run")
        idle = slots.start("idle")
        child = busy.child()
        first.kill()
        with redis.Redis.from_url(second.url) as promoted:
            wait_until(lambda: _is_master(promoted), 40, "the failover")
            began = time.monotonic()
            for worker in (busy, idle):
                worker.wait_for_log("leases are renewed again")
            print(f"renewed at the promoted server after {time.monotonic() - began:.1f} s")
            _wait_until_ended(client, job.id, wait_until)
            wait_until(lambda: not promoted.exists(keys.HELD), what="nothing held")
        assert len(slots.runs(TEXT)) == 1
        assert busy.child() == child


def test_a_worker_says_when_redis_keeps_nothing_or_may_throw_jobs_away(
    broker: str, start_worker: StartWorker, tmp_path: Path, redis_client: Any
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=0.0)
    redis_client.config_set("maxmemory", "1gb")
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        worker = slots.flow()
        worker.wait_for_log("WARNING .*Redis keeps nothing: its restart loses every job")
        worker.wait_for_log("WARNING .*Redis may throw jobs away when it is full")
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")
        redis_client.config_set("maxmemory", 0)


def test_a_worker_says_nothing_of_a_redis_that_keeps_jobs(
    server: SyncedRedis, start_own: StartWorker, tmp_path: Path
) -> None:
    worker = Slots(start_own, tmp_path, seconds=0.0).flow()
    assert "Redis keeps nothing" not in worker.log()
    assert "WARNING" not in worker.log()


def _is_master(client: redis.Redis) -> bool:
    """Whether this server was promoted. That closes all its connections, this one too: the next call connects again."""
    with contextlib.suppress(redis.ConnectionError):
        found: Any = client.info("replication")
        return bool(found["role"] == "master")
    return False


def _sentinels(
    first: EmbeddedRedis, second: EmbeddedRedis, start: StartProcess, folder: Path, wait_until: WaitUntil
) -> str:
    """Three Sentinels over a server and its replica; the broker's URL."""
    with redis.Redis.from_url(second.url) as replica:
        replica.replicaof("127.0.0.1", str(first.port))
        wait_until(lambda: replica.info("replication")["master_link_status"] == "up", what="the replica in step")
    ports = [free_port() for _ in range(3)]
    for number, port in enumerate(ports):
        home = folder / f"sentinel-{number}"
        home.mkdir()
        conf = home / "sentinel.conf"
        conf.write_text(
            f"port {port}\nbind 127.0.0.1\nsentinel monitor {MASTER} 127.0.0.1 {first.port} 2\n"
            f"sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 5000\n"
        )
        start(str(find_server()), str(conf), "--sentinel", cwd=home, name=f"sentinel-{number}")
    for port in ports:
        wait_until(_knows_all(port), what="a Sentinel that knows the replica and the others")
    return ";".join(f"sentinel://127.0.0.1:{port}/0" for port in ports)


def _knows_all(port: int) -> Callable[[], bool]:
    def look() -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis(port=port) as sentinel:
            told = sentinel.sentinel_master(MASTER)
            return int(told["num-slaves"]) == 1 and int(told["num-other-sentinels"]) == 2
        return False

    return look
