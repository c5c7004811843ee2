"""Workers and commands as Redis users with the least rights, and what happens when one right is taken away."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from producer import Client
from tasks.catalog import catalog
from tasks.redis.rights import PRODUCER, WORKER
from tasks.settings import settings
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import StartProcess
from tests.fixtures.redis_users import RedisUser
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartPair

CATALOG = """
[models.reader]
adapter = "rehearsal"
faults = true
"""
TEXT = "One.\n\nTwo.\n\nThree."
LACKING = "the Redis user 'worker' lacks rights that a worker needs"
OPTIONAL = {"info", "client", "config"}
"""Commands that are tried, and done without."""


def refused(raw_redis: Any) -> list[tuple[str, str]]:
    """What Redis refused to whom, from its own log, beside what is optional."""
    entries = raw_redis.acl_log(count=1000)
    return [
        (entry["username"], entry["object"]) for entry in entries if entry["object"].partition("|")[0] not in OPTIONAL
    ]


@pytest.fixture
def as_users(redis_user: RedisUser, use_catalog: UseCatalog, raw_redis: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Workers are the user `worker`; the URL of the user `producer`."""
    use_catalog(CATALOG)
    producer = redis_user("producer", *PRODUCER.rights(0, catalog()))
    monkeypatch.setenv("CELERY_BROKER_URL", redis_user("worker", *WORKER.rights(0, catalog())))
    raw_redis.acl_log_reset()
    return producer


def test_with_the_least_rights_workers_and_every_command_do_their_work(
    as_users: str,
    start_pair: StartPair,
    start_process: StartProcess,
    slotline: Slotline,
    raw_redis: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start_pair("reader")
    monkeypatch.setenv("CELERY_BROKER_URL", as_users)
    settings.cache_clear()
    (tmp_path / "book.txt").write_text(TEXT + "\n\n⚡error", encoding="utf-8")
    assert slotline("say", "--model", "reader", "Hello.", "-o", tmp_path / "hello.wav").status == 0
    assert slotline("read", "--model", "reader", tmp_path / "book.txt", "-o", tmp_path / "out").status == 1
    job = Client().submit_chapter(TEXT, model="reader")
    for words in (
        "health",
        "slots",
        "jobs",
        "pause reader",
        "resume --all",
        "failed",
        "prune",
        "retry --all",
        f"watch {job.id}",
        f"cancel {job.id}",
    ):
        said = slotline(*words.split())
        assert said.status == 0, said
    process = start_process(sys.executable, "-m", "tasks.command", "model", "status", "--json", name="status")
    assert process.wait() == 0
    assert json.loads(process.log())["models"][0]["model"] == "reader"
    assert refused(raw_redis) == []
    doctor = slotline("doctor")  # it looks at the rights of workers, too, which Redis notes
    assert doctor.status == 0, doctor.out
    assert "jobs can be sent from here, but the Redis user" in doctor.out


def test_a_right_that_is_taken_away_is_named_and_when_it_is_back_the_work_goes_on(
    as_users: str, redis_user: RedisUser, start_pair: StartPair, slotline: Slotline, wait_until: WaitUntil
) -> None:
    every, workers = WORKER.rights(0, catalog()), start_pair("reader")
    client = Client(as_users)
    for right in ("+evalsha", "&/0.celery.pidbox"):
        redis_user("worker", *(other for other in every if other != right))
        job = client.submit_chapter(f"{right} is taken away.\n\n{TEXT}", model="reader")
        for worker in workers:
            worker.wait_for_log(rf"ERROR.*{LACKING}: {right.replace('+', '.')} ")
        health = wait_until(lambda: _unhealthy(slotline), what="two workers that are unhealthy")
        assert all(f"{LACKING}: {right} (docs/redis.md" in line for line in health), health
        assert job.status() == "PENDING"
        redis_user("worker", *every)
        assert job.wait(GIVE_UP_S).parts == 4
    for worker in workers:
        assert "Traceback" not in worker.log()
        assert len(worker.log().splitlines()) < 200, "a refusal that is tried again at once fills the log"


def _unhealthy(slotline: Slotline) -> list[str]:
    lines = slotline("health").out.splitlines()
    return lines if len(lines) == 2 and all(line.startswith("unhealthy") for line in lines) else []


def test_a_command_that_asks_workers_is_refused_in_one_line(
    as_users: str, redis_user: RedisUser, start_pair: StartPair, start_process: StartProcess
) -> None:
    start_pair("reader")
    every = PRODUCER.rights(0, catalog())
    for right in ("+publish", "+brpop", "~*.celery.pidbox*"):
        redis_user("producer", *(other for other in every if other != right))
        command = [sys.executable, "-m", "tasks.command", "model", "status"]
        process = start_process(*command, env={"CELERY_BROKER_URL": as_users}, name="status")
        assert process.wait() == 1
        (line,) = process.log().splitlines()
        assert f"lacks rights that a producer needs: {right} (docs/redis.md" in line, line
