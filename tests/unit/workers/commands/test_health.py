"""`slotline health`: its lines and exit status; real workers stand in `tests/faults/test_health.py`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from celery import Celery
from click.testing import CliRunner
from redis import Redis

from tasks import health as beats
from tasks import pauses
from tasks.errors import InvalidInput
from tasks.flow.envelope import new_message
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.unit.tasks.test_health import FLOW, SLOT
from workers.commands.health import health

CATALOG = '[models.espeak]\nadapter = "rehearsal"\n'


@pytest.fixture
def redis_here(raw_redis: Redis, use_catalog: UseCatalog) -> Redis:
    """The Redis that the command reads: a healthy slot worker and a flow worker live there."""
    use_catalog(CATALOG)
    for beat in (SLOT, replace(FLOW, worker="flow-0@here")):
        beats.write(raw_redis, beat)
    return raw_redis


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(health, list(arguments), standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.output


def test_all_is_well(redis_here: Redis) -> None:
    assert run() == (0, "healthy    espeak-cpu-0@here: ready\nhealthy    flow-0@here: running\n")


def test_one_sick_worker_is_one_line_and_status_1(redis_here: Redis) -> None:
    beats.write(redis_here, replace(SLOT, deaths=3))
    status, printed = run("--model", "espeak")
    assert status == 1
    assert printed.startswith("unhealthy  espeak-cpu-0@here: its child died 3 times in a row")
    assert "flow-0" not in printed


def test_where_no_worker_is_there_that_is_the_line(redis_here: Redis) -> None:
    status, printed = run("--host", "elsewhere", "--json")
    assert status == 1
    why = ["no worker on elsewhere is there"]
    assert json.loads(printed) == {"healthy": False, "why": why, "workers": [], "delayed": None, "paused": []}


def test_a_paused_model_is_named_with_what_waits_and_makes_nobody_unhealthy(redis_here: Redis) -> None:
    pauses.pause(redis_here, "espeak", "me@here")
    redis_here.lpush("espeak", "one")
    redis_here.lpush("espeak\x06\x163", "two")
    status, printed = run()
    first, second, third = printed.splitlines()
    assert status == 0
    assert first == "healthy    espeak-cpu-0@here: ready, paused"
    assert second == "healthy    flow-0@here: running"
    assert third.startswith("paused     espeak is paused since 2")
    assert third.endswith(" by me@here; waiting: 2 messages")
    (paused,) = json.loads(run("--json")[1])["paused"]
    assert (paused["model"], paused["by"], paused["waiting"]) == ("espeak", "me@here", 2)
    assert "paused" not in run("--model", "other", "--host", "here")[1]


def test_delayed_messages_are_counted_and_make_nobody_unhealthy(redis_here: Redis) -> None:
    redis_here.zadd(keys.DELAYED, {"espeak\nmessage": 9e15, "espeak\nthe next": 1})
    status, printed = run()
    assert (status, printed.splitlines()[-1]) == (
        0,
        "delayed    2 messages wait for their time; the next one is due now",
    )
    assert json.loads(run("--json")[1])["delayed"]["count"] == 2


def test_every_queue_with_messages_and_no_reader_is_a_line(
    redis_here: Redis, broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The application of this process may have been made for the broker of another test.
    asking = Celery("asking", broker=broker, set_as_current=False)
    monkeypatch.setattr("workers.commands.health.app", asking)
    message = new_message("other.task", "an id", {}, "default")
    for queue in ("default", "celery", "celery\x06\x163", "espeak", "flow"):
        redis_here.lpush(queue, message)
    redis_here.lpush("somebodys list", "no message")
    status, printed = run()
    assert status == 1
    assert [line for line in printed.splitlines() if line.startswith("unhealthy")] == [
        "unhealthy  2 messages wait in the queue 'celery', and no worker reads it",
        "unhealthy  1 message waits in the queue 'default', and no worker reads it",
    ]
    asking.close()


def test_two_hosts_are_one_too_many(redis_here: Redis) -> None:
    with pytest.raises(InvalidInput, match="--host: "):
        run("--here", "--host", "elsewhere")


def test_what_waits_for_a_paused_model_without_a_worker_makes_nobody_unhealthy(redis_here: Redis) -> None:
    beats.forget(redis_here, SLOT.worker)
    redis_here.lpush("espeak", "one")
    assert run()[0] == 1
    pauses.pause(redis_here, "espeak", "me@here")
    assert run()[0] == 0
